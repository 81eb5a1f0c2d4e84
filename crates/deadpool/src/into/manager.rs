use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sessionpool_core::call::{self, CallFailure};
use sessionpool_core::{Condition, EndsByItself, SessionError};

use super::Guarded;
use super::closer::Closer;

/// Makes a backend of ours a deadpool [`Manager`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use sessionpool_core::{Backend, EndsByItself, SessionError};
/// # use sessionpool_testkit::{Scripted, ScriptedSession};
/// # struct Ours(Scripted);
/// # impl Backend for Ours {
/// #     type Session = ScriptedSession;
/// #     async fn open(&self) -> Result<ScriptedSession, SessionError<Self>> { self.0.open().await }
/// #     async fn check(&self, it: &mut ScriptedSession) -> Result<(), SessionError<Self>> { self.0.check(it).await }
/// # }
/// # impl EndsByItself for Ours {}
/// # let backend = Ours(Scripted::new());
/// use deadpool::managed::Pool;
/// use sessionpool_deadpool::IntoDeadpool;
///
/// let pool: Pool<_> = Pool::builder(IntoDeadpool::new(backend)).max_size(4).build()?;
///
/// let mut session = pool.get().await?;
/// session.write("a row").await?;
/// drop(session);
///
/// pool.close();
/// pool.manager().drained().await;
/// # Ok(())
/// # }
/// ```
///
/// # What becomes of a session
///
/// | deadpool | the session |
/// |---|---|
/// | creates | is opened |
/// | takes back | stays as it is: with a transaction open, and its locks held |
/// | lends again | is released first if it is not clean, for at most [`release_timeout`](Self::release_timeout); replaced if that fails, or if it is broken |
/// | drops, in whatever way | is closed in the background, for at most [`close_timeout`](Self::close_timeout) |
///
/// Where that last line matters, release a session before it goes back, with
/// [`Session::release`](sessionpool_core::Session::release). deadpool tells no manager of a return.
///
/// A clean session is lent without a round trip: nobody asks whether it still answers.
///
/// # Where sessions are closed
///
/// In a task on the tokio runtime (with its time driver) that was current when deadpool
/// first created or recycled a session, and on the next such runtime when that one is
/// gone. Sessions dropped while there is none, and those on their way when it goes away, are
/// [aborted](sessionpool_core::Session::abort). A runtime that nobody drives holds them up. To have them
/// closed before a program ends, await [`drained`](Self::drained) after deadpool's
/// `Pool::close`.
///
/// deadpool does not count sessions that are being closed: there may be more of them than
/// its `max_size`.
///
/// # Which backends
///
/// Those whose sessions [end by themselves](EndsByItself): deadpool drops what it has done
/// with, and can lose a close. Others are refused:
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
/// use sessionpool_core::EndsByItself;
/// use sessionpool_deadpool::IntoDeadpool;
///
/// fn lend<B: EndsByItself>(backend: B) {
///     let manager = IntoDeadpool::new(backend);
/// }
/// ```
pub struct IntoDeadpool<B: EndsByItself> {
    backend: B,
    closer: Arc<Closer<B::Session>>,
    release_timeout: Duration,
    close_timeout: Duration,
}

impl<B: EndsByItself> IntoDeadpool<B> {
    /// Makes `backend` a manager.
    #[must_use]
    pub fn new(backend: B) -> Self {
        Self {
            backend,
            closer: Arc::new(Closer::new()),
            release_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(5),
        }
    }

    /// Bounds the release of a session that was given back dirty; one that takes longer is
    /// ended, and replaced. Default: 5 s.
    #[must_use]
    pub const fn release_timeout(mut self, limit: Duration) -> Self {
        self.release_timeout = limit;
        self
    }

    /// Bounds the closing of a session; one that takes longer is aborted. Default: 5 s.
    #[must_use]
    pub const fn close_timeout(mut self, limit: Duration) -> Self {
        self.close_timeout = limit;
        self
    }

    /// The backend.
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// Waits until no session is left: until every one that was opened has ended, or was
    /// [taken out](Guarded::into_session) of our hands.
    ///
    /// Idle sessions end when deadpool's pool is closed or dropped, lent ones when they
    /// come back after that.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn drained(&self) {
        self.closer.drained().await;
    }

    async fn release(&self, session: &mut B::Session) -> RecycleResult<SessionError<B>> {
        let cleaned = call::clean(session, self.release_timeout).await;
        cleaned.map_err(|failure| match failure {
            CallFailure::Answered(error) => RecycleError::Backend(error),
            CallFailure::Silent(silence) => RecycleError::message(silence.to_string()),
        })
    }
}

impl<B: EndsByItself> Manager for IntoDeadpool<B> {
    type Type = Guarded<B::Session>;
    type Error = SessionError<B>;

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// Whatever the remote end answered.
    ///
    /// # Cancel safety
    ///
    /// Nothing stays logged in at the remote end. deadpool's `create` timeout is the one
    /// limit there is.
    async fn create(&self) -> Result<Guarded<B::Session>, SessionError<B>> {
        self.closer.start();
        let session = self.backend.open().await?;
        Ok(self.closer.guard(session, self.close_timeout))
    }

    /// Makes the session fit for the next borrower, if it is not.
    ///
    /// # Errors
    ///
    /// The session is broken, or could not be released; deadpool then drops it.
    ///
    /// # Cancel safety
    ///
    /// deadpool then drops the session.
    async fn recycle(
        &self,
        session: &mut Guarded<B::Session>,
        _: &Metrics,
    ) -> RecycleResult<SessionError<B>> {
        self.closer.start();
        match call::condition(&**session) {
            Condition::Clean => Ok(()),
            Condition::Dirty | Condition::Busy => self.release(session).await,
            Condition::Broken(fault) => Err(RecycleError::message(fault.to_string())),
        }
    }
}

impl<B: EndsByItself> fmt::Debug for IntoDeadpool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The backend is left out: it may hold credentials.
        f.debug_struct("IntoDeadpool")
            .field("release_timeout", &self.release_timeout)
            .field("close_timeout", &self.close_timeout)
            .finish_non_exhaustive()
    }
}
