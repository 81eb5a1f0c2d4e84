use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Fault;
use crate::status::{Holder, Status};

/// The error of a backend or a session, shared: one failed opening may answer
/// many waiters.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why [`Pool::acquire`](crate::Pool::acquire) lent no session.
///
/// Match on it, or ask the predicates, which stay right when variants are added.
///
/// What the remote end said is the [`source`](StdError::source), and is told by
/// `Display`, too: many logs show no sources, and at three in the morning that is
/// the part one needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AcquireError {
    /// [`Pool::close`](crate::Pool::close) was called.
    Closed,

    /// [`Pool::pause`](crate::Pool::pause) was called, and callers are to fail.
    Paused,

    /// `max_waiters` tasks are queued already; this one did not join them.
    #[non_exhaustive]
    QueueFull {
        /// The pool's name, where it has one.
        pool: Option<Arc<str>>,
        /// The limit; with zero, only idle sessions are lent.
        max_waiters: usize,
        /// The pool as it was then.
        status: Box<Status>,
    },

    /// The time ran out. What the pool knows about why is inside.
    TimedOut(Box<TimedOut>),

    /// A session could not be opened, and trying again would not help.
    #[non_exhaustive]
    Failed {
        /// The pool's name, where it has one.
        pool: Option<Arc<str>>,
        /// What kind of failure it was.
        fault: Fault,
        /// What the remote end, or the opening, said.
        cause: Cause,
    },

    /// There was something to wait for, and no tokio runtime with its time driver
    /// to wait on; or the one the pool works on went away, twice.
    NoRuntime,
}

impl AcquireError {
    /// True if the pool is the bottleneck and not the remote end: answer 503
    /// and let the caller come again.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        match self {
            Self::QueueFull { .. } => true,
            Self::TimedOut(timed_out) => {
                timed_out.phase == Phase::Queueing && !timed_out.runtime_stalled
            }
            Self::Closed | Self::Paused | Self::Failed { .. } | Self::NoRuntime => false,
        }
    }

    /// True if the remote end is at fault: it refuses, fails or does not answer.
    #[must_use]
    pub fn is_backend_fault(&self) -> bool {
        match self {
            Self::Failed { .. } => true,
            Self::TimedOut(timed_out) => {
                timed_out.phase != Phase::Queueing && !timed_out.runtime_stalled
            }
            Self::Closed | Self::Paused | Self::QueueFull { .. } | Self::NoRuntime => false,
        }
    }

    /// True if the time ran out, in whatever phase.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// True if the pool was closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the pool is closed"),
            Self::Paused => f.write_str("the pool is paused"),
            Self::QueueFull { pool, max_waiters: 0, status } => {
                write!(f, "{} has no idle session and is set to never queue: {status}", Name(pool))
            }
            Self::QueueFull { pool, status, .. } => {
                write!(f, "{} has no free session and its queue is full: {status}", Name(pool))
            }
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Failed { pool, fault, cause } => {
                write!(f, "{} could open no session ({fault}: {cause})", Name(pool))
            }
            Self::NoRuntime => f.write_str(
                "waiting for a session needs a tokio runtime with its time driver, \
                 and there is none here",
            ),
        }
    }
}

impl StdError for AcquireError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::TimedOut(timed_out) => {
                timed_out.standing_failure().map(|last| source(&last.cause))
            }
            Self::Failed { cause, .. } => Some(source(cause)),
            Self::Closed | Self::Paused | Self::QueueFull { .. } | Self::NoRuntime => None,
        }
    }
}

/// A pool, in a sentence.
struct Name<'a>(&'a Option<Arc<str>>);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "pool \"{name}\""),
            None => f.write_str("the pool"),
        }
    }
}

fn source(cause: &Cause) -> &(dyn StdError + 'static) {
    &**cause
}

/// What an acquire was waiting for when its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// For somebody to give a session back.
    Queueing,
    /// For an idle session to answer whether it is still alive.
    Checking,
    /// For a session to be opened.
    Opening,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queueing => "queueing",
            Self::Checking => "checking",
            Self::Opening => "opening",
        })
    }
}

/// An acquire's time ran out: what the pool knows about why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedOut {
    /// The pool's name, where it has one.
    pub pool: Option<Arc<str>>,
    /// The time this acquire was given.
    pub limit: Duration,
    /// What it was waiting for at the end.
    pub phase: Phase,
    /// How long it waited for others to give a session back.
    pub queueing: Duration,
    /// How long it waited while idle sessions were being checked.
    pub checking: Duration,
    /// How long it waited while sessions were being opened, or while the pool
    /// held back from trying again.
    pub opening: Duration,
    /// True if the runtime the pool works on did not run during the wait: it is
    /// blocked, or nobody drives it.
    pub runtime_stalled: bool,
    /// The pool as it was when this error was made.
    pub status: Status,
    /// The last opening that failed, however long ago.
    pub last_failure: Option<LastFailure>,
    /// Who has held a session the longest, at most five.
    pub holders: Vec<Holder>,
    /// How many sessions of this pool the very task held that asked for one
    /// more. Above zero, the task may be waiting for itself. Zero where there is no
    /// task to tell: in the root future of a runtime's `block_on`.
    pub held_by_this_task: usize,
    pub(crate) task_is_known: bool,
}

/// The last opening that failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastFailure {
    /// What kind of failure it was.
    pub fault: Fault,
    /// What the remote end, or the opening, said.
    pub cause: Cause,
    /// How long ago.
    pub age: Duration,
    /// How many openings in a row have failed; zero if one succeeded since.
    pub streak: u32,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lent no session within {:?}: ", Name(&self.pool), self.limit)?;
        self.write_verdict(f)?;
        let mut separator = "; waited";
        for (phase, time) in
            [("queueing", self.queueing), ("checking", self.checking), ("opening", self.opening)]
        {
            if !time.is_zero() {
                write!(f, "{separator} {time:.1?} {phase}")?;
                separator = " and";
            }
        }
        write!(f, "; {}", self.status)?;
        self.write_holders(f)?;
        self.write_nesting(f)
    }
}

impl TimedOut {
    /// The failure that kept this acquire waiting: no opening succeeded since.
    fn standing_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref().filter(|last| last.streak > 0)
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = &self.status;
        if self.runtime_stalled {
            return f.write_str(
                "the runtime it works on has not run meanwhile, being blocked or not driven",
            );
        }
        if status.paused {
            return f.write_str("it is paused");
        }
        match (self.standing_failure(), self.phase) {
            (Some(last), Phase::Opening) => fmt::Display::fmt(last, f),
            (None, Phase::Opening) => write!(
                f,
                "the backend takes longer than that to open one ({} being opened)",
                status.opening
            ),
            (_, Phase::Checking) => f.write_str("an idle one was asked whether it is alive"),
            (_, Phase::Queueing) if status.leased == status.max_size => match status.max_size {
                1 => f.write_str("its only session is lent and did not come back in time"),
                all => write!(f, "all {all} are lent and none came back in time"),
            },
            (_, Phase::Queueing) => f.write_str("none became free in time"),
        }
    }

    fn write_holders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "; held longest: ";
        for holder in &self.holders {
            write!(f, "{separator}{holder}")?;
            separator = "; ";
        }
        match self.status.leased.saturating_sub(self.holders.len()) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }

    fn write_nesting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held_by_this_task {
            0 if !self.task_is_known && self.holders.iter().any(|holder| holder.task.is_none()) => {
                f.write_str(
                    "; the holders may be this very code, which runs in no task to tell it by",
                )
            }
            0 => Ok(()),
            held => write!(
                f,
                "; this task already holds {held} session{} of this pool, and may be waiting for itself",
                if held == 1 { "" } else { "s" }
            ),
        }
    }
}

/// `the last 3 openings failed, the latest 0.2s ago (transient failure: connection
/// refused)`.
impl fmt::Display for LastFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.streak {
            0 | 1 => f.write_str("the last opening failed, ")?,
            streak => write!(f, "the last {streak} openings failed, the latest ")?,
        }
        write!(f, "{:.1?} ago ({}: {})", self.age, self.fault, self.cause)
    }
}

/// Why [`Pool::try_acquire`](crate::Pool::try_acquire) lent no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// [`Pool::close`](crate::Pool::close) was called.
    #[error("the pool is closed")]
    Closed,
    /// No session is idle just now, or the pool is paused.
    #[error("no session is idle")]
    NoneIdle,
}

/// Why [`Lease::release`](crate::Lease::release) could not make the session fit
/// for the next borrower. The session is ended; nothing is left to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The session said so, or the remote end.
    #[non_exhaustive]
    Failed {
        /// What it said.
        cause: Cause,
    },
    /// It was broken already.
    #[non_exhaustive]
    Broken {
        /// What had broken it.
        fault: Fault,
    },
    /// It took longer than `release_timeout`.
    #[non_exhaustive]
    TimedOut {
        /// The `release_timeout`.
        limit: Duration,
    },
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { .. } => f.write_str("the session could not be cleaned and was ended"),
            Self::Broken { fault } => write!(f, "the session was broken and was ended: {fault}"),
            Self::TimedOut { limit } => {
                write!(f, "the session was not cleaned within {limit:?} and was ended")
            }
        }
    }
}

impl StdError for ReleaseError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed { cause } => Some(source(cause)),
            Self::Broken { .. } | Self::TimedOut { .. } => None,
        }
    }
}

/// What a transaction or a [`Unit`](crate::Unit) could not do.
///
/// Except for [`OutcomeUnknown`](Self::OutcomeUnknown), nothing of the work is or
/// will be visible.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TxError {
    /// No session was lent.
    Acquire(AcquireError),

    /// The transaction could not be begun.
    #[non_exhaustive]
    Begin {
        /// What kind of failure it was.
        fault: Fault,
        /// What the remote end said.
        cause: Cause,
    },

    /// Asked to commit, and rolled back instead.
    #[non_exhaustive]
    RolledBack {
        /// What made it impossible.
        why: Rollback,
        /// What the remote end said, where it said something.
        cause: Option<Cause>,
    },

    /// Asked to commit, and the answer was lost: the work is there, or it is not.
    /// Look before doing it again.
    #[non_exhaustive]
    OutcomeUnknown {
        /// What was met instead of an answer.
        cause: Cause,
    },

    /// Asked to roll back, and the remote end did not confirm. The session is
    /// ended, and the remote end rolls back by itself.
    #[non_exhaustive]
    Rollback {
        /// What was met instead of an answer.
        cause: Cause,
    },

    /// A savepoint could not be set, released or gone back to. The transaction
    /// can only be rolled back now.
    #[non_exhaustive]
    Savepoint {
        /// What the remote end said.
        cause: Cause,
    },
}

/// Why a commit became a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rollback {
    /// The session or the remote end refused: a deferred constraint, a
    /// transaction that had failed before, a statement dropped half way.
    Refused,
    /// It lost against another unit of work. Run it again from its beginning.
    Conflict,
    /// The session was lost before the commit was sent.
    SessionLost(Fault),
    /// A savepoint's future was dropped half way, or its end failed, and what it
    /// did is still mixed with the rest.
    SavepointAbandoned,
}

impl TxError {
    /// True if nobody can tell whether the work is there.
    #[must_use]
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }

    /// True if the unit lost against another one, and may succeed when it is run
    /// again from its beginning.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::RolledBack { why: Rollback::Conflict, .. }
                | Self::Begin { fault: Fault::Conflict, .. }
        )
    }

    /// True if the pool, not the remote end, is the bottleneck.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Acquire(error) if error.is_overload())
    }
}

impl From<AcquireError> for TxError {
    fn from(error: AcquireError) -> Self {
        Self::Acquire(error)
    }
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acquire(error) => error.fmt(f),
            Self::Begin { fault, .. } => {
                write!(f, "the transaction could not be begun: {fault}")
            }
            Self::RolledBack { why, .. } => write!(f, "the commit became a rollback: {why}"),
            Self::OutcomeUnknown { .. } => f.write_str("whether the work was committed is unknown"),
            Self::Rollback { .. } => {
                f.write_str("the rollback was not confirmed; the session was ended instead")
            }
            Self::Savepoint { .. } => f.write_str("the savepoint failed; only a rollback is left"),
        }
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("it was refused"),
            Self::Conflict => f.write_str("it lost against another unit of work"),
            Self::SessionLost(fault) => write!(f, "the session was lost before ({fault})"),
            Self::SavepointAbandoned => f.write_str("a savepoint was left half way"),
        }
    }
}

impl StdError for TxError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Display is the acquire's own text, so its source comes next.
            Self::Acquire(error) => error.source(),
            Self::RolledBack { cause, .. } => cause.as_ref().map(source),
            Self::Begin { cause, .. }
            | Self::OutcomeUnknown { cause }
            | Self::Rollback { cause }
            | Self::Savepoint { cause } => Some(source(cause)),
        }
    }
}

/// Something the pool itself found, as the cause of one of its errors.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A call to the backend took longer than its limit.
    #[error("{call} took longer than {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// Which call.
        call: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// A session answered that it was cleaned, and was not.
    #[error("the session is not clean after it was cleaned: {condition:?}")]
    #[non_exhaustive]
    LeftUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A session does not know what became of its transaction.
    #[error("the session does not know what became of its transaction: {condition:?}")]
    #[non_exhaustive]
    Undecided {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A call to the backend panicked.
    #[error("{call} panicked: {message}")]
    #[non_exhaustive]
    Panicked {
        /// Which call.
        call: &'static str,
        /// What the panic said.
        message: String,
    },
    /// The backend broke its contract.
    #[error("the backend opened a session that is not clean: {condition:?}")]
    #[non_exhaustive]
    OpenedUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
}
