//! What became of a unit or of a statement, taken out of its answer or the test fails;
//! for every database.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::fmt::Debug;

use sessionpool_core::{CommitOutcome, Condition, Session, Transactional, TxError};
use sessionpool_sql::SqlFailure;

/// How a unit of a test fails.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

pub async fn commit<S: Transactional>(session: &mut S) {
    committed(S::commit(session).await);
}

#[track_caller]
pub fn committed<E: Debug>(outcome: CommitOutcome<E>) {
    match outcome {
        CommitOutcome::Committed => {}
        other => panic!("{other:?}"),
    }
}

/// A test's own database, looked at from outside.
pub trait Outside: Sync {
    /// Whether nothing is committed to its table `t`.
    fn has_no_rows(&self) -> impl Future<Output = bool> + Send;
}

/// What a commit that has to fail was refused with: nothing is kept, and nothing is left
/// open.
pub async fn refused_commit<S: Transactional>(place: &impl Outside, session: &mut S) -> S::Error {
    let error = rolled_back(S::commit(session).await);
    assert_clean(session);
    assert!(place.has_no_rows().await, "{error} was said of what is committed");
    error
}

#[track_caller]
pub fn rolled_back<E: Debug>(outcome: CommitOutcome<E>) -> E {
    match outcome {
        CommitOutcome::RolledBack(Some(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn unknown<E: Debug>(outcome: CommitOutcome<E>) -> E {
    match outcome {
        CommitOutcome::Unknown(error) => error,
        other => panic!("{other:?}"),
    }
}

/// What our own layer said, whatever it says it in.
#[track_caller]
pub fn failure(error: &sqlx::Error) -> &SqlFailure {
    SqlFailure::of(error).unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

#[track_caller]
pub fn assert_clean(session: &impl Session) {
    assert_eq!(session.condition(), Condition::Clean);
}
