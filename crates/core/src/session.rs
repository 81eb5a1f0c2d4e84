use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use crate::{Condition, Fault};

/// One logged-in conversation with a remote end.
///
/// The verbs are associated functions (`S::release(&mut session)`), so that a
/// [`Lease`](crate::Lease) or a [`Tx`](crate::Tx), which dereference to the
/// session, never offer them by a dot: ending a session behind the pool's back
/// is not one typo away.
///
/// # Contract
///
/// The pool relies on these rules; the conformance suite of
/// `sessionpool-testkit` checks each of them under the same words.
///
/// 1. **`condition` tells the truth.** It does no I/O, never blocks and never
///    panics. A session that may carry anything of its borrower's (an open
///    transaction, an unread reply, a changed setting) is not `Clean`.
/// 2. **`release` leaves no trace.** After `Ok` the session is `Clean` and the
///    next borrower finds what a fresh session has. Of a `Broken` session it answers
///    `Err`.
/// 3. **Dropped futures are survivable.** Any future of a session may be dropped
///    half way. The session then knows: it is `Busy` or `Broken`, and never reads
///    the rest of an old answer as its own.
/// 4. **A session is ended once.** By `close`, or by `abort`; dropping `close`'s
///    future, even before its first poll, ends it as `abort` does.
/// 5. **`abort` needs nothing.** No runtime, no reply, no waiting; it does not
///    panic, on any thread, even while unwinding.
pub trait Session: Send + 'static {
    /// What can go wrong at the remote end.
    type Error: StdError + Send + Sync + 'static;

    /// The session's own view of its state, without asking the remote end.
    ///
    /// The pool reads it when a lease comes back: `Clean` goes straight to the
    /// next borrower, `Dirty` and `Busy` through [`release`](Self::release),
    /// `Broken` is ended.
    fn condition(&self) -> Condition;

    /// How long the remote end lets the session lie idle before it ends it, as far as the
    /// session knows without asking. By default: nothing is known.
    ///
    /// The pool asks once, when the session was opened, and keeps its sessions idle for
    /// less ([`PoolBuilder::idle_timeout`](crate::PoolBuilder::idle_timeout)), counted from
    /// their return. A borrower that was silent until then may have used up the difference:
    /// a remote end that says that it ended the session for its silence has lost that one
    /// ([`Fault::SessionLost`]), and no other.
    fn idle_limit(&self) -> Option<Duration> {
        None
    }

    /// What an error means for the session, the pool and the caller.
    fn classify(error: &Self::Error) -> Fault;

    /// Makes the session fit for the next borrower.
    ///
    /// # Errors
    ///
    /// The session could not be made fit; it is then ended.
    ///
    /// # Cancel safety
    ///
    /// The session is `Busy` or `Broken` when the future is dropped half way.
    fn release(this: &mut Self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Ends the session at the remote end, in the way its kind demands.
    ///
    /// # Errors
    ///
    /// The remote end did not confirm. The session is gone on this side all the
    /// same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session as [`abort`](Self::abort) does.
    fn close(this: Self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Ends the session on this side, at once: the last resort when no runtime
    /// is left to run [`close`](Self::close) on.
    fn abort(this: Self);
}
