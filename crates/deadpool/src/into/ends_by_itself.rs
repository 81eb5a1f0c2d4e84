use sessionpool_core::Backend;

/// A backend whose sessions end by themselves at the remote end when nobody ends them:
/// the remote end sees that the connection is gone, and frees what it kept for it.
///
/// deadpool drops what it has done with, and a drop can promise no more than a try: the
/// runtime may be gone, the process may exit. Most remote ends forgive that, as a database
/// does whose client went away. Implement this for a backend of such a kind, if need be
/// for a newtype around it.
///
/// Do not implement it where a close that gets lost hurts others: where sessions live on
/// until somebody says otherwise, and count against a limit that all share. Such sessions
/// belong in [`Pool`](sessionpool_core::Pool), which frees a place only after its session
/// has ended. [`IntoDeadpool`](crate::IntoDeadpool) refuses them:
///
/// ```compile_fail,E0277
/// use sessionpool_core::Backend;
/// use sessionpool_deadpool::IntoDeadpool;
///
/// fn lend<B: Backend>(backend: B) {
///     let manager = IntoDeadpool::new(backend);
/// }
/// ```
///
/// ```
/// use sessionpool_deadpool::{EndsByItself, IntoDeadpool};
///
/// fn lend<B: EndsByItself>(backend: B) {
///     let manager = IntoDeadpool::new(backend);
/// }
/// ```
///
/// A wrapper around a backend says so again, or is refused:
/// `impl<B: EndsByItself> EndsByItself for Wrapper<B> {}`.
#[diagnostic::on_unimplemented(
    message = "the sessions of `{Self}` are not known to end by themselves",
    label = "deadpool may lose their close",
    note = "implement `EndsByItself` if a close that gets lost hurts nobody"
)]
pub trait EndsByItself: Backend {}

/// The session's thread ends with the session, and the file is closed.
#[cfg(feature = "sqlite")]
impl EndsByItself for sessionpool_sql::Sqlite {}
