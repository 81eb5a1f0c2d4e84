//! What a pool's error means to a client: whose fault it is, and when to come again.

use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{
    AcquireError, CallError, Cause, Fault, Phase, Rollback, Status, TimedOut, TxError,
};

use super::{Problem, ProblemKind};
use crate::WorkError;

/// After a pause, or with a remote end that has no room and does not say for how long.
const A_WHILE: Duration = Duration::from_secs(5);

/// Nobody is sent away for longer on account of a queue.
const LONGEST: Duration = Duration::from_secs(30);

/// Another instance takes over from one that shuts down.
const AT_ONCE: Duration = Duration::from_secs(1);

impl From<AcquireError> for Problem {
    fn from(error: AcquireError) -> Self {
        match &error {
            AcquireError::Closed => Self::unavailable(AT_ONCE),
            AcquireError::Paused => Self::unavailable(A_WHILE),
            AcquireError::QueueFull { status, .. } => Self::overloaded(queue_takes(status)),
            AcquireError::TimedOut(timed_out) => Self::of_time_out(timed_out, &error),
            AcquireError::Failed { fault, cause, .. } => Self::of_fault(*fault, Arc::clone(cause)),
            _ => Self::of_kind(ProblemKind::Internal),
        }
        .because(error)
    }
}

impl From<TxError> for Problem {
    fn from(error: TxError) -> Self {
        let kind = match error {
            TxError::Acquire(error) => return error.into(),
            TxError::Begin { fault, ref cause, .. }
            | TxError::Savepoint { fault, ref cause, .. }
                if !is_late(cause) =>
            {
                return Self::of_fault(fault, Arc::clone(cause)).because(error);
            }
            TxError::Begin { .. } | TxError::Savepoint { .. } => ProblemKind::BackendSlow,
            TxError::RolledBack { why: Rollback::Conflict, .. } => ProblemKind::Conflict,
            TxError::RolledBack { why: Rollback::SessionLost(_), .. } => ProblemKind::BackendLost,
            TxError::RolledBack { .. } => ProblemKind::RolledBack,
            TxError::OutcomeUnknown { .. } => ProblemKind::OutcomeUnknown,
            TxError::Rollback { ref cause, .. } if is_late(cause) => ProblemKind::BackendSlow,
            TxError::Rollback { .. } => ProblemKind::BackendLost,
            _ => ProblemKind::Internal,
        };
        Self::of_kind(kind).because(error)
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Tx(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl Problem {
    pub(super) fn of_fault(fault: Fault, cause: Cause) -> Self {
        let mut problem = match fault {
            Fault::Busy { retry_after } => Self::overloaded(retry_after.unwrap_or(A_WHILE)),
            Fault::Transient | Fault::SessionLost | Fault::BackendLost => {
                Self::of_kind(ProblemKind::BackendLost)
            }
            Fault::Conflict => Self::of_kind(ProblemKind::Conflict),
            Fault::OutcomeUnknown => Self::of_kind(ProblemKind::OutcomeUnknown),
            _ => Self::of_kind(ProblemKind::Internal),
        };
        problem.0.cause = Some(cause);
        problem
    }

    fn of_time_out(timed_out: &TimedOut, error: &AcquireError) -> Self {
        if timed_out.status.paused {
            return Self::unavailable(A_WHILE);
        }
        if error.is_overload() {
            return Self::overloaded(timed_out.limit.min(LONGEST));
        }
        if timed_out.runtime_stalled {
            return Self::of_kind(ProblemKind::Internal);
        }
        match &timed_out.last_failure {
            Some(last) if last.streak > 0 && timed_out.phase == Phase::Opening => {
                Self::of_fault(last.fault, Arc::clone(&last.cause))
            }
            _ => Self::of_kind(ProblemKind::BackendSlow),
        }
    }

    fn overloaded(after: Duration) -> Self {
        Self::of_kind(ProblemKind::Overloaded).retry_after(after)
    }

    fn unavailable(after: Duration) -> Self {
        Self::of_kind(ProblemKind::Unavailable).retry_after(after)
    }
}

/// Whoever joins a queue waits about as long as its head has.
fn queue_takes(status: &Status) -> Duration {
    status.oldest_waiter.unwrap_or_default().min(LONGEST)
}

fn is_late(cause: &Cause) -> bool {
    matches!(cause.downcast_ref(), Some(CallError::TimedOut { .. }))
}
