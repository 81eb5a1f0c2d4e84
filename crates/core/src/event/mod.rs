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

mod listener;
#[cfg(feature = "metrics")]
mod metered;
#[cfg(feature = "tracing")]
mod traced;

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Cause;
use crate::{Condition, Fault, Pause, Phase};

pub use listener::PoolEvents;
#[cfg(feature = "metrics")]
pub use metered::Metered;
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

/// What an acquire was, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acquire {
    /// Where it was made.
    pub site: &'static Location<'static>,
    /// The class of work it was made for.
    pub class: Option<Arc<str>>,
}

/// What an acquire waited for, and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// For others to give a session back.
    pub queueing: Duration,
    /// While idle sessions were being checked.
    pub checking: Duration,
    /// While sessions were being opened, or the pool held back from trying again.
    pub opening: Duration,
}

impl Waits {
    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.queueing + self.checking + self.opening
    }
}

/// An acquire began to wait.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Queued {
    /// Which acquire.
    pub acquire: Acquire,
    /// How many wait now, this one included.
    pub waiters: usize,
}

/// A session was lent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lent {
    /// To whom.
    pub acquire: Acquire,
    /// The session's number: the first that its pool opened is 1.
    pub session: u64,
    /// What it waited for; nothing, where a session was idle.
    pub waits: Waits,
}

/// An acquire's time ran out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedOut {
    /// Which acquire.
    pub acquire: Acquire,
    /// The time it was given.
    pub limit: Duration,
    /// What it was waiting for at the end.
    pub phase: Phase,
    /// What it waited for.
    pub waits: Waits,
}

/// An acquire was dropped while it waited.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cancelled {
    /// Which acquire.
    pub acquire: Acquire,
    /// What it had waited for.
    pub waits: Waits,
}

/// An acquire was told that it gets no session, before its time was over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Which acquire.
    pub acquire: Acquire,
    /// Why.
    pub reason: Reason,
}

/// Why an acquire was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `max_waiters` tasks were queued already.
    QueueFull,
    /// No session can be opened.
    Failed(Fault),
    /// The pool is paused, and callers are to fail.
    Paused,
    /// The pool is closed.
    PoolClosed,
    /// There was nothing to wait on.
    NoRuntime,
}

/// A lease ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Returned {
    /// The acquire that made the lease.
    pub acquire: Acquire,
    /// The session's number.
    pub session: u64,
    /// What the session said of itself; `Dirty` if a panic dropped the lease while it
    /// said that it was clean, `Clean` if its borrower went before it came.
    pub condition: Condition,
    pub(crate) since: Instant,
    pub(crate) until: Instant,
}

impl Returned {
    /// How long it was lent, to within a few milliseconds.
    #[must_use]
    pub fn held(&self) -> Duration {
        self.until.saturating_duration_since(self.since)
    }
}

/// A session has been lent for longer than
/// [`leak_detection`](crate::PoolBuilder::leak_detection); told once for a lease.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leaked {
    /// The acquire that made the lease.
    pub acquire: Acquire,
    /// The session's number.
    pub session: u64,
    /// How long it has been lent.
    pub held: Duration,
}

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

/// Sessions could lie idle in the pool until the remote end ends them, and its settings were
/// changed for that: told when a session was opened that says so, and again when one allows
/// less than the pool goes by since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outlived {
    /// How long the remote end lets a session lie idle.
    pub limit: Duration,
    /// What [`idle_timeout`](crate::PoolBuilder::idle_timeout) is now; `None` if it was short
    /// enough, and is as it was set.
    pub idle_timeout: Option<Duration>,
    /// What [`keepalive_interval`](crate::PoolBuilder::keepalive_interval) is now; `None` if
    /// it is as it was set, as no session stays: `min_idle` is zero.
    pub keepalive_interval: Option<Duration>,
}

/// Every session opened before became suspect: idle ones are ended, others when they
/// come back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Flushed {
    /// The new generation.
    pub generation: u64,
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
    /// All there are.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 12] = [
        Self::Expired,
        Self::Surplus,
        Self::Broken,
        Self::Unclean,
        Self::Dead,
        Self::PoolClosed,
        Self::RuntimeLost,
        Self::Stale,
        Self::Worn,
        Self::Recalled,
        Self::Discarded,
        Self::Detached,
    ];

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

impl Reason {
    /// All there are.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 5] = [
        Self::QueueFull,
        Self::Failed(Fault::Other),
        Self::Paused,
        Self::PoolClosed,
        Self::NoRuntime,
    ];

    /// Its name in one word, for metrics and machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Failed(_) => "failed",
            Self::Paused => "paused",
            Self::PoolClosed => "pool_closed",
            Self::NoRuntime => "no_runtime",
        }
    }
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
