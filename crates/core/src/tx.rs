use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::call::{CallFailure, bounded, classify, try_bounded};
use crate::error::{CallError, Cause, Rollback};
use crate::span::{Inside, Outcome, UnitSpan};
use crate::{CommitOutcome, Condition, Fault, Lease, Transactional, TxError, TxOptions};

/// A transaction on a borrowed session: what [`Pool::transaction`](crate::Pool::transaction)
/// and [`Unit::savepoint`](crate::Unit::savepoint) hand to the work.
///
/// It dereferences to the session. It cannot be committed from the inside: the
/// scope that made it does, when the work answers `Ok`.
#[must_use = "a transaction rolls back when it is dropped"]
pub struct Tx<S: Transactional> {
    lease: Lease<S>,
    /// Savepoints whose end has not been confirmed.
    savepoints: u32,
    span: UnitSpan,
}

impl<S: Transactional> Tx<S> {
    pub(crate) async fn begin(
        mut lease: Lease<S>,
        options: &TxOptions,
        mut span: UnitSpan,
    ) -> Result<Self, TxError> {
        let limit = lease.lifecycle_timeout();
        let begin = try_bounded("beginning a transaction", limit, S::begin(&mut lease, options));
        match span.inside().around(begin).await {
            Ok(()) => {
                span.begun(&*lease);
                Ok(Self { lease, savepoints: 0, span })
            }
            Err(failure) => {
                span.end(Outcome::NotBegun);
                let fault = failure.fault::<S>();
                Err(TxError::Begin { fault, cause: failure.into_cause() })
            }
        }
    }

    /// Runs `work` inside a savepoint: keeps what it did on `Ok`, undoes it on
    /// `Err`, and goes on with the transaction either way. Savepoints nest.
    ///
    /// # Errors
    ///
    /// What `work` answered; or [`TxError::Savepoint`] if the savepoint itself
    /// failed; or [`TxError::RolledBack`] if one inside it was left half way, and
    /// this one was undone for that.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped half way, or the work panics, what it did is
    /// still mixed with the rest. The transaction can then only be rolled back, as
    /// a whole or to a savepoint around this one: a commit answers
    /// [`Rollback::SavepointAbandoned`].
    pub async fn savepoint<R, E>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, E>
    where
        E: From<TxError>,
    {
        let limit = self.lease.lifecycle_timeout();
        let around = self.savepoints;
        self.savepoints = around + 1;
        let savepoint = try_bounded("setting a savepoint", limit, S::savepoint(&mut self.lease))
            .await
            .map_err(savepoint_failed::<S>)?;

        let answer = match work(self).await {
            Ok(_) if self.savepoints > around + 1 => {
                Err(E::from(TxError::RolledBack { why: Rollback::SavepointAbandoned, cause: None }))
            }
            answer => answer,
        };

        let ended = if answer.is_ok() {
            let work = S::release_savepoint(&mut self.lease, savepoint);
            try_bounded("releasing a savepoint", limit, work).await
        } else {
            let work = S::rollback_to(&mut self.lease, savepoint);
            try_bounded("rolling back to a savepoint", limit, work).await
        };
        match ended {
            Ok(()) => {
                self.savepoints = around;
                answer
            }
            // The work's own error is the one to tell; the transaction knows that
            // only a rollback is left.
            Err(_) if answer.is_err() => answer,
            Err(failure) => Err(E::from(savepoint_failed::<S>(failure))),
        }
    }

    /// Where the unit's work is done.
    pub(crate) fn inside(&self) -> Inside {
        self.span.inside()
    }

    pub(crate) async fn commit(mut self) -> Result<(), TxError> {
        self.span.done(self.lease.session());
        let answer = self.inside().around(self.try_commit()).await;
        self.span.end(Outcome::of(&answer, Outcome::Committed));
        answer
    }

    async fn try_commit(&mut self) -> Result<(), TxError> {
        if let Condition::Broken(Fault::OutcomeUnknown) = self.lease.condition() {
            return Err(self.outcome_unknown());
        }
        let conflict = self.has_conflict();
        if let Some(why) = self.cannot_commit() {
            let why = if conflict { Rollback::Conflict } else { why };
            let _ = self.try_rollback().await;
            return Err(TxError::RolledBack { why, cause: None });
        }
        let limit = self.lease.lifecycle_timeout();
        match bounded("committing", limit, S::commit(&mut self.lease)).await {
            Ok(CommitOutcome::Committed) => Ok(()),
            Ok(CommitOutcome::RolledBack(error)) => Err(TxError::RolledBack {
                why: match &error {
                    _ if conflict => Rollback::Conflict,
                    Some(error) => why_refused::<S>(error),
                    None => Rollback::Refused,
                },
                cause: error.map(|error| Arc::new(error) as Cause),
            }),
            Ok(CommitOutcome::Unknown(error)) => {
                Err(TxError::OutcomeUnknown { cause: Arc::new(error) })
            }
            Err(silent) => Err(TxError::OutcomeUnknown { cause: Arc::new(silent) }),
        }
    }

    fn cannot_commit(&self) -> Option<Rollback> {
        match self.lease.condition() {
            Condition::Broken(fault) => Some(Rollback::SessionLost(fault)),
            _ if self.savepoints > 0 => Some(Rollback::SavepointAbandoned),
            // Busy, or even clean: what was left half way, or ended by the work
            // itself, is the session's to judge (contract rule 2).
            Condition::Clean | Condition::Dirty | Condition::Busy => None,
        }
    }

    /// True if it lost against another one, and doing it all again may succeed.
    pub(crate) fn has_conflict(&self) -> bool {
        self.lease.has_conflict()
    }

    pub(crate) async fn rollback(mut self) -> Result<(), TxError> {
        self.span.done(self.lease.session());
        let answer = self.inside().around(self.try_rollback()).await;
        self.span.end(Outcome::of(&answer, Outcome::RolledBack));
        answer
    }

    async fn try_rollback(&mut self) -> Result<(), TxError> {
        match self.lease.condition() {
            Condition::Broken(Fault::OutcomeUnknown) => return Err(self.outcome_unknown()),
            Condition::Broken(_) => return Ok(()), // the remote end rolls back what it lost
            Condition::Clean | Condition::Dirty | Condition::Busy => {}
        }
        let limit = self.lease.lifecycle_timeout();
        match try_bounded("rolling back", limit, S::rollback(&mut self.lease)).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.lease.give_up_unclean();
                Err(TxError::Rollback { cause: failure.into_cause() })
            }
        }
    }
}

impl<S: Transactional> Tx<S> {
    /// The session itself does not know what became of the work: the borrower may
    /// have sent a commit of his own, whose answer was lost.
    fn outcome_unknown(&self) -> TxError {
        let condition = self.lease.condition();
        TxError::OutcomeUnknown { cause: Arc::new(CallError::Undecided { condition }) }
    }
}

fn why_refused<S: Transactional>(error: &S::Error) -> Rollback {
    match classify::<S>(error) {
        Fault::Conflict => Rollback::Conflict,
        _ => Rollback::Refused,
    }
}

fn savepoint_failed<S: Transactional>(failure: CallFailure<S::Error>) -> TxError {
    TxError::Savepoint { fault: failure.fault::<S>(), cause: failure.into_cause() }
}

impl<S: Transactional> Drop for Tx<S> {
    fn drop(&mut self) {
        self.span.done(self.lease.session());
    }
}

impl<S: Transactional> Deref for Tx<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.lease
    }
}

impl<S: Transactional> DerefMut for Tx<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.lease
    }
}

impl<S: Transactional> fmt::Debug for Tx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("lease", &self.lease).finish_non_exhaustive()
    }
}
