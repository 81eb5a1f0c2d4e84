use std::error::Error as StdError;
use std::fmt;

use super::acquire::AcquireError;
use super::{Cause, source};
use crate::Fault;

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
        /// What kind of failure it was.
        fault: Fault,
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
                | Self::Savepoint { fault: Fault::Conflict, .. }
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
            | Self::Savepoint { cause, .. } => Some(source(cause)),
        }
    }
}
