use crate::Backend;

/// A backend whose sessions end by themselves at the remote end when nobody ends them:
/// the remote end sees that the connection is gone, and frees what it kept for it.
///
/// For those who can promise no more than a try to end a session. A
/// [`Pool`](crate::Pool) ends each of its own whatever happens and asks for nothing of
/// the kind; a drop elsewhere cannot: the runtime may be gone, the process may exit. Most remote ends
/// forgive that, as a database does whose client went away. Implement this for a backend
/// of such a kind, if need be for a newtype around it.
///
/// Do not implement it where a close that gets lost hurts others: where sessions live on
/// until somebody says otherwise, and count against a limit that all share. Such sessions
/// belong in a [`Pool`](crate::Pool), which frees a place only after its session has
/// ended.
///
/// A wrapper around a backend says so again, or is refused:
/// `impl<B: EndsByItself> EndsByItself for Wrapper<B> {}`.
#[diagnostic::on_unimplemented(
    message = "the sessions of `{Self}` are not known to end by themselves",
    label = "their close may get lost here",
    note = "implement `EndsByItself` if a close that gets lost hurts nobody"
)]
pub trait EndsByItself: Backend {}
