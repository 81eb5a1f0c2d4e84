/// What the gateway says about one ID of a group:
/// [`Tenten::sam_status`](crate::Tenten::sam_status).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The pool member.
    pub user: String,
    /// It has a session.
    pub logged_in: bool,
    /// Nobody has taken it.
    pub free: bool,
    /// Its session will end when it is given back.
    pub marked: bool,
}
