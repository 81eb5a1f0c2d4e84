/// What [`Pool::pause`](crate::Pool::pause) does to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pause {
    /// They queue, and are served after [`resume`](crate::Pool::resume), or time out.
    Wait,
    /// They fail at once with [`AcquireError::Paused`](crate::AcquireError::Paused),
    /// and so do those queued already.
    Fail,
}
