//! What becomes of those who want a session, and of their leases.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Condition, Fault, Phase};

/// What an acquire was, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acquire {
    /// Where it was made.
    pub site: &'static Location<'static>,
    /// The class of work it was made for.
    pub class: Option<Arc<str>>,
}

/// What an acquire waited for, and how long, to within a few milliseconds: a wait may begin
/// and end in steps of the kernel's coarse clock.
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
