//! What becomes of the sessions, from their opening to their end.

use std::time::Duration;

use crate::Fault;
use crate::error::Cause;

/// A session is about to be opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Opening {
    /// The opening's number: the pool's first is 1.
    pub opening: u64,
}

/// A session was opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The opening's number.
    pub opening: u64,
    /// The session's number.
    pub session: u64,
    /// How long that took.
    pub took: Duration,
    /// How many openings in a row had failed before.
    pub streak: u32,
}

/// A session could not be opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenFailed {
    /// The opening's number.
    pub opening: u64,
    /// How long that took.
    pub took: Duration,
    /// What kind of failure it was.
    pub fault: Fault,
    /// What the remote end, or the opening, said.
    pub cause: Cause,
    /// How many openings in a row have failed now.
    pub streak: u32,
}

/// An idle session is about to be asked whether it is alive.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checking {
    /// The session's number.
    pub session: u64,
    /// For how long nothing was heard of it.
    pub silent: Duration,
}

/// A session was asked whether it is alive.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The session's number.
    pub session: u64,
    /// Why it is not fit to be lent; `None` if it is.
    pub fault: Option<Fault>,
}

/// A session that came back dirty is about to be made fit for the next borrower.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Cleaning {
    /// The session's number.
    pub session: u64,
}

/// That was done, or tried.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Cleaned {
    /// The session's number.
    pub session: u64,
    /// True if it is fit; otherwise it is ended.
    pub fit: bool,
}

/// A session is about to be ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Closing {
    /// The session's number.
    pub session: u64,
    /// Why.
    pub ending: Ending,
}

/// A session is gone.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Closed {
    /// The session's number.
    pub session: u64,
    /// Why.
    pub ending: Ending,
    /// How long it was open.
    pub age: Duration,
    /// True if the remote end said so, or if its holder took it out of the pool.
    pub confirmed: bool,
}

/// [`before_close`](crate::PoolBuilder::before_close) failed; the session is closed all
/// the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookFailed {
    /// The session's number.
    pub session: u64,
    /// The hook's name.
    pub hook: &'static str,
    /// What it answered, or that it did not.
    pub cause: Cause,
}

/// Why a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// Unused for `idle_timeout`.
    Expired,
    /// Beyond `max_idle` when it came back, or beyond `max_size` after a resize.
    Surplus,
    /// Broken, by its own account.
    Broken,
    /// It could not be made fit for the next borrower.
    Unclean,
    /// It did not answer a check; or one did not that had been idle for less.
    Dead,
    /// The pool was closed, or its last handle dropped.
    PoolClosed,
    /// The runtime it lived on is gone.
    RuntimeLost,
    /// It was opened before the backend was lost, or the pool flushed.
    Stale,
    /// Older than `max_lifetime`, or lent `max_uses` times.
    Worn,
    /// The backend needs its room at the remote end.
    Recalled,
    /// Its holder wanted it gone.
    Discarded,
    /// Its holder took it out of the pool.
    Detached,
}

impl Ending {
    /// Its name in one word, for metrics and machines; that of its counter in
    /// [`Counters::closed`](crate::Counters::closed).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Surplus => "surplus",
            Self::Broken => "broken",
            Self::Unclean => "unclean",
            Self::Dead => "dead",
            Self::PoolClosed => "pool_closed",
            Self::RuntimeLost => "runtime_lost",
            Self::Stale => "stale",
            Self::Worn => "worn",
            Self::Recalled => "recalled",
            Self::Discarded => "discarded",
            Self::Detached => "detached",
        }
    }
}
