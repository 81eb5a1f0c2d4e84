use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::timed_out::{Phase, TimedOut};
use super::{CallError, Cause, Chain, Name, source};
use crate::Fault;
use crate::status::Status;

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

    /// The pool has no class of that name.
    #[non_exhaustive]
    UnknownClass {
        /// The pool's name, where it has one.
        pool: Option<Arc<str>>,
        /// The class that was asked for.
        class: String,
        /// The classes there are.
        known: Vec<Arc<str>>,
    },

    /// The time ran out. What the pool knows about why is inside.
    TimedOut(Box<TimedOut>),

    /// A session could not be opened, and trying again would not help. An
    /// [`after_open`](crate::PoolBuilder::after_open) hook that fails is part of that; the
    /// cause is a [`CallError::HookFailed`] then.
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
            Self::Closed
            | Self::Paused
            | Self::UnknownClass { .. }
            | Self::Failed { .. }
            | Self::NoRuntime => false,
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
            Self::Closed
            | Self::Paused
            | Self::QueueFull { .. }
            | Self::UnknownClass { .. }
            | Self::NoRuntime => false,
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
            Self::UnknownClass { pool, class, known } if known.is_empty() => {
                write!(f, "{} has no class \"{class}\": it was built without any", Name(pool))
            }
            Self::UnknownClass { pool, class, known } => {
                let known = known.join("\", \"");
                write!(f, "{} has no class \"{class}\", only \"{known}\"", Name(pool))
            }
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Failed { pool, fault, cause } => match cause.downcast_ref() {
                Some(CallError::HookFailed { hook, cause }) => {
                    let (pool, cause) = (Name(pool), Chain(&**cause));
                    write!(
                        f,
                        "{pool} opened a session, but its {hook} hook failed ({fault}: {cause})"
                    )
                }
                _ => {
                    write!(f, "{} could open no session ({fault}: {})", Name(pool), Chain(&**cause))
                }
            },
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
            Self::Closed
            | Self::Paused
            | Self::QueueFull { .. }
            | Self::UnknownClass { .. }
            | Self::NoRuntime => None,
        }
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
