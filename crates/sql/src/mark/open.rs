use sessionpool_core::Fault;

use crate::effect::{Control, Effect, End};
use crate::failure::{FirstError, SqlFailure};

/// The transaction that is or may be open on a session, and what has become of it so
/// far. The default is that there is none.
#[derive(Debug, Default)]
pub(super) struct Open {
    transaction: Transaction,
    /// A statement that may have written was dropped half way. Only the end of the
    /// transaction settles that.
    abandoned: bool,
    /// It lost against another one.
    conflict: bool,
    /// What made it useless.
    failed: Option<FirstError>,
    /// The borrower's own statement ended it, and it was ours.
    ended: Option<End>,
    /// The borrower's statement in flight may commit some of it.
    meddling: bool,
    /// One of his may have done so.
    meddled: bool,
    /// Its commit was sent, and it is ours.
    committing: bool,
}

/// Whose transaction is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transaction {
    #[default]
    None,
    /// One of ours is being begun, or a borrower may have begun his own.
    Possible,
    /// One of ours.
    Ours,
}

impl Open {
    /// Notes that one may be.
    pub(super) fn suspect(&mut self) {
        if self.transaction == Transaction::None {
            self.transaction = Transaction::Possible;
        }
    }

    /// Notes that it is ours.
    pub(super) const fn begun(&mut self) {
        self.transaction = Transaction::Ours;
    }

    /// Notes that its commit is about to be sent.
    pub(super) const fn committing(&mut self) {
        self.committing = true;
    }

    /// Notes that a statement which may have written was dropped half way.
    pub(super) const fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Notes that a borrower's statement with this effect is about to be sent.
    pub(super) fn meddle(&mut self, effect: Effect) {
        self.meddling = self.is_ours() && effect.may_commit();
    }

    /// Notes that this statement was answered, or given up; it `counts` unless it is
    /// known to have done nothing.
    pub(super) fn remember_meddling(&mut self, counts: bool) {
        self.meddled |= counts && self.meddling;
        self.meddling = false;
    }

    /// Notes what a statement that succeeded has done to it.
    pub(super) fn done(&mut self, control: Control) {
        match (control, self.transaction) {
            (Control::Ends(end), Transaction::Ours) => self.ended = Some(end),
            (Control::Ends(_), _) => *self = Self::default(),
            (Control::Rewinds, _) => self.failed = None,
            (Control::None | Control::Any, _) => {}
        }
    }

    /// Notes what a statement that failed has done to it.
    pub(super) fn failed(&mut self, control: Control, fault: Fault, aborts: Option<FirstError>) {
        if control == Control::Ends(End::ImplicitCommit) {
            self.end(End::ImplicitCommit);
        }
        if self.is_open() {
            self.conflict |= fault == Fault::Conflict;
            if self.failed.is_none() {
                self.failed = aborts;
            }
        }
    }

    /// Notes that a borrower's statement has ended it, or may have, if it is ours.
    pub(super) fn end(&mut self, end: End) {
        if self.is_ours() {
            self.ended = Some(end);
        }
    }

    /// Whether a statement may be sent.
    pub(super) fn admits(&self, effect: &Effect) -> Result<(), SqlFailure> {
        if let Some(end) = self.ended {
            return Err(match end {
                End::Commit | End::ImplicitCommit => SqlFailure::NoTransaction,
                End::Rollback => SqlFailure::RolledBack,
            });
        }
        let heals = matches!(effect.control, Control::Ends(_) | Control::Rewinds);
        match &self.failed {
            Some(first) if self.is_ours() && !heals => {
                Err(SqlFailure::PendingRollback { source: first.clone() })
            }
            _ => Ok(()),
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.transaction, Transaction::None)
    }

    pub(super) const fn is_ours(&self) -> bool {
        matches!(self.transaction, Transaction::Ours)
    }

    pub(super) const fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) const fn has_conflict(&self) -> bool {
        self.conflict
    }

    pub(super) const fn is_committing(&self) -> bool {
        self.committing
    }

    pub(super) const fn is_meddled(&self) -> bool {
        self.meddled || self.meddling
    }
}
