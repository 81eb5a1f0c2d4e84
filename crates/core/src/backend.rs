use std::future::Future;

use crate::{Bounds, Recall, Session};

/// Opens and checks sessions at one remote place.
///
/// One `Backend` value stands for one database, one gateway, one account. It
/// owns what its sessions share (addresses, credentials, a client) and nothing
/// that belongs to a single one.
///
/// # Contract
///
/// The pool relies on these rules; the conformance suite of
/// `sessionpool-testkit` checks each of them under the same words.
///
/// 1. **`open` is all or nothing.** On `Err`, or when its future is dropped half
///    way, nothing stays logged in at the remote end.
/// 2. **An opened session is clean.** What `open` returns answers
///    [`Condition::Clean`](crate::Condition::Clean): logged in, set up, ready for
///    its first borrower.
/// 3. **`check` leaves no trace.** A borrower cannot tell whether a session was
///    checked before it was lent.
/// 4. **Errors speak about the remote end only.** Waiting, capacity and shutdown
///    are the pool's to report, as [`AcquireError`](crate::AcquireError).
///
/// # Implementing
///
/// Write plain `async fn`; no macro is needed (and `#[async_trait]` on the impl
/// does not compile: error E0195). The futures must be [`Send`]: hold no `Rc` and no lock
/// guard of `std` across an `.await`.
///
/// The pool puts a time limit around every call, so an implementation needs none
/// of its own; it only has to survive being dropped at any await.
///
/// ```
/// use sessionpool_core::{Backend, Condition, Fault, Session};
///
/// struct Echo;
/// struct EchoSession;
///
/// impl Backend for Echo {
///     type Session = EchoSession;
///
///     async fn open(&self) -> Result<EchoSession, std::io::Error> {
///         Ok(EchoSession)
///     }
///
///     async fn check(&self, _: &mut EchoSession) -> Result<(), std::io::Error> {
///         Ok(())
///     }
/// }
///
/// impl Session for EchoSession {
///     type Error = std::io::Error;
///
///     fn condition(&self) -> Condition {
///         Condition::Clean
///     }
///
///     fn classify(_: &std::io::Error) -> Fault {
///         Fault::Transient
///     }
///
///     async fn release(_: &mut Self) -> Result<(), std::io::Error> {
///         Ok(())
///     }
///
///     async fn close(_: Self) -> Result<(), std::io::Error> {
///         Ok(())
///     }
///
///     fn abort(_: Self) {}
/// }
/// ```
///
/// The pool forgets a backend's type and keeps its session's, so backends with
/// the same `Session` can be swapped freely: a scripted one in tests, say.
pub trait Backend: Send + Sync + 'static {
    /// What [`open`](Self::open) returns and borrowers work with.
    type Session: Session;

    /// Opens a new session and leaves it ready for its first borrower.
    ///
    /// # Errors
    ///
    /// Whatever the remote end answered. [`Session::classify`] tells the pool
    /// whether trying again can help.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends whatever was begun (contract rule 1).
    fn open(&self) -> impl Future<Output = Result<Self::Session, SessionError<Self>>> + Send;

    /// Asks the remote end whether an idle `session` still answers.
    ///
    /// # Errors
    ///
    /// Why the session is not fit to be lent; it is then ended.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped half way, the session's own
    /// [`condition`](Session::condition) says so.
    fn check(
        &self,
        session: &mut Self::Session,
    ) -> impl Future<Output = Result<(), SessionError<Self>>> + Send;

    /// What a pool of these sessions should go by, asked for once by
    /// [`Pool::builder`](crate::Pool::builder). By default: nothing.
    fn bounds(&self) -> Bounds {
        Bounds::none()
    }

    /// Takes the line to a pool that was built on this backend, for what the remote
    /// end says to one session and concerns others: that it is full while sessions are
    /// idle, that all sessions are to be opened anew. By default: hung up.
    fn attach(&self, recall: Recall) {
        let _ = recall;
    }
}

/// What can go wrong between a backend and its sessions' remote end.
pub type SessionError<B> = <<B as Backend>::Session as Session>::Error;
