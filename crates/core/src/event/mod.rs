//! What happens in a pool, told as it happens.
//!
//! A [`PoolEvents`] listener, given to
//! [`PoolBuilder::events`](crate::PoolBuilder::events), is told each edge of the
//! lifecycle: metrics, logs and alarms come from there. Whatever begins ends, and each
//! end is told once:
//!
//! | begins with | ends with one of |
//! |---|---|
//! | `queued` | `lent`, `timed_out`, `cancelled`, `refused` |
//! | `lent` | `returned` |
//! | `opening` | `opened`, `open_failed` |
//! | `opened` | `closed` |
//! | `checking` | `checked` |
//! | `cleaning` | `cleaned` |
//! | `closing` | `closed` |
//!
//! An acquire that does not wait is `lent`, `timed_out` or `refused` without being
//! `queued`; a session that its holder takes out of the pool is `closed` without
//! `closing`. Events are told by the thread that caused them, once the pool's lock is
//! released, so those of two threads may arrive in either order: a session's number, or
//! an opening's, tells what belongs together.
//!
//! # Spans
//!
//! With the feature `tracing` each unit of work has a span, whoever listens: `unit`, at
//! level `DEBUG` with the target `sessionpool::unit`, from before its session is acquired to
//! the end. What [`Pool::transaction`](crate::Pool::transaction) and
//! [`Unit::savepoint`](crate::Unit::savepoint) are given to do is done inside it; what is done
//! with [`Unit::session`](crate::Unit::session) is not, being awaited elsewhere. A
//! [`transaction_with`](crate::Pool::transaction_with) has one for each run.
//!
//! | field | what |
//! |---|---|
//! | `pool` | the pool's name |
//! | `site` | the place in the source that asked for it |
//! | `class` | the class of work |
//! | `waited` | how long it waited for its session |
//! | `held` | how long it had it |
//! | `statements` | how many statements it sent, where the session [counts](crate::Transactional::statements) |
//! | `outcome` | `committed`, `rolled back`, `unknown`, `dropped`; `not acquired`, `not begun` |
//!
//! Without a subscriber that wants the span nothing of this is measured.

mod acquiring;
mod listener;
#[cfg(feature = "metrics")]
mod metered;
mod pool;
mod session;
#[cfg(feature = "tracing")]
mod traced;

use crate::Pause;

pub use acquiring::{
    Acquire, Cancelled, Leaked, Lent, Queued, Reason, Refused, Returned, TimedOut, Waits,
};
pub use listener::PoolEvents;
#[cfg(feature = "metrics")]
pub use metered::Metered;
pub use pool::{Flushed, Outlived};
pub use session::{
    Checked, Checking, Cleaned, Cleaning, Closed, Closing, Ending, HookFailed, OpenFailed, Opened,
    Opening,
};
#[cfg(feature = "tracing")]
pub use traced::Traced;

/// Any of the events, for listeners that hand them on: to a channel, say.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is documented at its type")]
pub enum Event {
    Queued(Queued),
    Lent(Lent),
    TimedOut(TimedOut),
    Cancelled(Cancelled),
    Refused(Refused),
    Returned(Returned),
    Leaked(Leaked),
    Opening(Opening),
    Opened(Opened),
    OpenFailed(OpenFailed),
    Checking(Checking),
    Checked(Checked),
    Cleaning(Cleaning),
    Cleaned(Cleaned),
    Closing(Closing),
    Closed(Closed),
    HookFailed(HookFailed),
    Outlived(Outlived),
    Flushed(Flushed),
    Paused(Pause),
    Resumed,
    Resized(usize),
    PoolClosed,
}

impl Event {
    /// Tells `listener` of it, by the method that is meant for it. `pool` is the pool's
    /// name.
    pub fn tell(&self, pool: Option<&str>, listener: &(impl PoolEvents + ?Sized)) {
        match self {
            Self::Queued(event) => listener.queued(pool, event),
            Self::Lent(event) => listener.lent(pool, event),
            Self::TimedOut(event) => listener.timed_out(pool, event),
            Self::Cancelled(event) => listener.cancelled(pool, event),
            Self::Refused(event) => listener.refused(pool, event),
            Self::Returned(event) => listener.returned(pool, event),
            Self::Leaked(event) => listener.leaked(pool, event),
            Self::Opening(event) => listener.opening(pool, event),
            Self::Opened(event) => listener.opened(pool, event),
            Self::OpenFailed(event) => listener.open_failed(pool, event),
            Self::Checking(event) => listener.checking(pool, event),
            Self::Checked(event) => listener.checked(pool, event),
            Self::Cleaning(event) => listener.cleaning(pool, event),
            Self::Cleaned(event) => listener.cleaned(pool, event),
            Self::Closing(event) => listener.closing(pool, event),
            Self::Closed(event) => listener.closed(pool, event),
            Self::HookFailed(event) => listener.hook_failed(pool, event),
            Self::Outlived(event) => listener.outlived(pool, event),
            Self::Flushed(event) => listener.flushed(pool, event),
            Self::Paused(pause) => listener.paused(pool, *pause),
            Self::Resumed => listener.resumed(pool),
            Self::Resized(max_size) => listener.resized(pool, *max_size),
            Self::PoolClosed => listener.pool_closed(pool),
        }
    }
}
