//! A session's own account of what is open and what is half done on it.

use sessionpool_core::{Condition, Fault};

use crate::effect::{Control, Effect, End};
use crate::failure::{FirstError, SqlFailure};

/// What a session knows about itself: the answer to
/// [`condition`](sessionpool_core::Session::condition).
///
/// `in_flight` is set before every await that talks to the database and cleared
/// when the answer is complete. Nothing clears it when a future is dropped: that
/// *is* how a dropped future is noticed.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    in_flight: Option<Effect>,
    transaction: Transaction,
    /// A statement of the open transaction that may have written was dropped half
    /// way. Only the end of the transaction settles that.
    abandoned: bool,
    /// The open transaction lost against another one.
    conflict: bool,
    /// What made the open transaction useless.
    failed: Option<FirstError>,
    /// The borrower's own statement ended our transaction.
    ended: Option<End>,
    /// The borrower's statement in flight may commit some of our transaction.
    meddling: bool,
    /// One of his may have done so.
    meddled: bool,
    /// Our transaction's commit was sent.
    committing: bool,
    touched: Option<&'static str>,
    /// The borrower may have prepared or unprepared statements himself.
    unprepared: bool,
    /// The connection's cache of statements is not what the database has.
    stale: bool,
    lost: Option<Fault>,
    /// How many statements borrowers have sent.
    statements: u64,
}

/// Whether a transaction is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Transaction {
    #[default]
    None,
    /// One of ours is being begun, or a borrower may have begun his own.
    Possible,
    /// One of ours.
    Ours,
}

/// What the answer to a request means.
#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    Failed {
        fault: Fault,
        /// It has made the open transaction useless.
        aborts: Option<FirstError>,
        /// The database does not know a statement that the connection has prepared.
        stale: bool,
        /// If it is a commit's, that may have happened all the same.
        undecided: bool,
    },
}

impl Mark {
    pub(crate) const fn condition(&self) -> Condition {
        match self {
            // Of our own commit the unit itself tells.
            Self { lost: Some(_), committing: false, .. } if self.is_meddled() => {
                Condition::Broken(Fault::OutcomeUnknown)
            }
            Self { lost: Some(fault), .. } => Condition::Broken(*fault),
            Self { in_flight: Some(_), .. } => Condition::Busy,
            Self { transaction: Transaction::Possible | Transaction::Ours, .. }
            | Self { touched: Some(_), .. }
            | Self { unprepared: true, .. }
            | Self { stale: true, .. } => Condition::Dirty,
            _ => Condition::Clean,
        }
    }

    /// To be called when a borrower's statement is about to be sent.
    pub(crate) fn enter_for_borrower(&mut self, effect: Effect) {
        self.enter(effect);
        self.statements += 1;
        self.meddling = self.is_ours() && effect.may_commit();
    }

    pub(crate) const fn statements(&self) -> u64 {
        self.statements
    }

    /// To be called when a request is about to be sent.
    pub(crate) fn enter(&mut self, effect: Effect) {
        self.remember_abandoned();
        self.remember_meddling(true);
        self.in_flight = Some(effect);
        self.unprepared |= effect.unprepares;
        if effect.control != Control::None && self.transaction == Transaction::None {
            self.transaction = Transaction::Possible;
        }
        if let Some(by) = effect.touch {
            self.touch(by);
        }
    }

    /// To be called when its answer is complete.
    pub(crate) fn leave(&mut self, answer: Answer) {
        let effect = self.in_flight.take();
        match answer {
            Answer::Done => self.done(effect.unwrap_or(Effect::READ)),
            Answer::Failed { fault, aborts, stale, undecided } => {
                self.end_implicitly(effect);
                self.remember_meddling(undecided || !is_commit(effect));
                self.failed(fault, aborts, stale);
            }
        }
    }

    fn done(&mut self, effect: Effect) {
        self.stale |= effect.unprepares;
        self.remember_meddling(true);
        match (effect.control, self.transaction) {
            (Control::Ends(end), Transaction::Ours) => self.ended = Some(end),
            (Control::Ends(_), _) => self.settle(),
            (Control::Rewinds, _) => self.failed = None,
            (Control::None | Control::Any, _) => {}
        }
    }

    /// To be called when a statement failed.
    fn end_implicitly(&mut self, effect: Option<Effect>) {
        let control = effect.map(|effect| effect.control);
        if self.is_ours() && control == Some(Control::Ends(End::ImplicitCommit)) {
            self.ended = Some(End::ImplicitCommit);
        }
    }

    fn failed(&mut self, fault: Fault, aborts: Option<FirstError>, stale: bool) {
        self.stale |= stale;
        let is_open = self.transaction != Transaction::None;
        self.conflict |= is_open && fault == Fault::Conflict;
        if self.failed.is_none() && is_open {
            self.failed = aborts;
        }
        if fault.ends_session() {
            self.lose(fault);
        }
    }

    /// To be called when what was left half way has come to its end; `late` is what
    /// its error means.
    pub(crate) fn finish(&mut self, late: Option<Answer>) {
        self.remember_abandoned();
        match late {
            Some(failed) => self.leave(failed),
            None => self.end_perhaps(),
        }
    }

    /// What was dropped before it was sent as a whole has no error either: only where
    /// a rollback of ours is still to come may an end be taken for granted.
    fn end_perhaps(&mut self) {
        let effect = self.in_flight.take();
        self.remember_meddling(true);
        if let (Some(Effect { control: Control::Ends(end), .. }), true) = (effect, self.is_ours()) {
            self.ended = Some(end);
        }
    }

    /// Whether a statement may be sent, as far as the open transaction goes.
    pub(crate) fn admits(&self, effect: &Effect) -> Result<(), SqlFailure> {
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

    /// Why our transaction cannot be committed, as far as is known here.
    pub(crate) fn forbids_commit(&self) -> Option<SqlFailure> {
        if !self.is_ours() {
            return Some(SqlFailure::NoTransaction);
        }
        if self.has_abandoned() {
            return Some(SqlFailure::StatementAbandoned);
        }
        self.admits(&Effect::READ).err()
    }

    /// Notes that the borrower left something that no rollback undoes.
    pub(crate) const fn touch(&mut self, by: &'static str) {
        if self.touched.is_none() {
            self.touched = Some(by);
        }
    }

    /// Notes that anything may have been done.
    pub(crate) fn doubt(&mut self, by: &'static str) {
        self.touch(by);
        self.unprepared = true;
        self.suspect();
    }

    /// Notes that the session is not fit for anybody any more.
    pub(crate) const fn lose(&mut self, fault: Fault) {
        self.lost = Some(fault);
    }

    /// Notes that a transaction is about to be opened.
    pub(crate) fn suspect(&mut self) {
        if self.transaction == Transaction::None {
            self.transaction = Transaction::Possible;
        }
    }

    /// Notes that our transaction has begun.
    pub(crate) const fn begun(&mut self) {
        self.transaction = Transaction::Ours;
    }

    /// Notes that our transaction's commit is about to be sent.
    pub(crate) const fn committing(&mut self) {
        self.committing = true;
    }

    /// Notes that no transaction is open.
    pub(crate) fn settle(&mut self) {
        self.transaction = Transaction::None;
        self.abandoned = false;
        self.conflict = false;
        self.failed = None;
        self.ended = None;
        self.meddling = false;
        self.meddled = false;
        self.committing = false;
    }

    /// Notes that the connection's cache of statements is empty.
    pub(crate) const fn refresh(&mut self) {
        self.stale = false;
    }

    /// Notes that the session is as it was when it was opened.
    pub(crate) fn reset(&mut self) {
        *self = Self { statements: self.statements, ..Self::default() };
    }

    pub(crate) const fn in_flight(&self) -> Option<Effect> {
        self.in_flight
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.transaction, Transaction::Ours)
    }

    /// True if a transaction is or may be open.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self.transaction, Transaction::None)
    }

    /// True if the open transaction has a write in it that was dropped half way.
    pub(crate) const fn has_abandoned(&self) -> bool {
        let dropped = matches!(self.in_flight, Some(Effect { writes: true, .. }));
        self.abandoned || (self.is_open() && dropped)
    }

    const fn remember_abandoned(&mut self) {
        self.abandoned = self.has_abandoned();
    }

    /// True if a statement of the open transaction has made it useless.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(crate) const fn has_conflict(&self) -> bool {
        self.conflict
    }

    /// True if our transaction's commit was sent, and nobody has heard what came of it.
    pub(crate) const fn is_committing(&self) -> bool {
        self.committing
    }

    /// True if the borrower may have committed something of our transaction himself.
    pub(crate) const fn is_meddled(&self) -> bool {
        self.meddled || self.meddling
    }

    fn remember_meddling(&mut self, counts: bool) {
        self.meddled |= counts && self.meddling;
        self.meddling = false;
    }

    pub(crate) const fn touched(&self) -> Option<&'static str> {
        self.touched
    }

    pub(crate) const fn is_unprepared(&self) -> bool {
        self.unprepared
    }

    pub(crate) const fn is_stale(&self) -> bool {
        self.stale
    }
}

fn is_commit(effect: Option<Effect>) -> bool {
    matches!(effect, Some(Effect { control: Control::Ends(End::Commit), .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(fault: Fault) -> Answer {
        Answer::Failed { fault, aborts: None, stale: false, undecided: false }
    }

    fn aborted() -> Answer {
        let first = FirstError { code: "22012".to_owned(), message: "no".to_owned() };
        Answer::Failed { fault: Fault::Other, aborts: Some(first), stale: false, undecided: false }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut mark = Mark::default();
        assert_eq!(mark.condition(), Condition::Clean);
        mark.enter(Effect::control(Control::Any));
        assert_eq!(mark.condition(), Condition::Busy);
        mark.leave(failed(Fault::Conflict));
        assert_eq!(mark.condition(), Condition::Dirty);
        mark.settle();
        assert_eq!(mark.condition(), Condition::Clean);
        mark.enter(Effect::WRITE);
        mark.leave(failed(Fault::SessionLost));
        assert_eq!(mark.condition(), Condition::Broken(Fault::SessionLost));
    }

    #[test]
    fn a_write_dropped_half_way_is_remembered_to_the_end_of_its_transaction() {
        let mut mark = Mark::default();
        mark.begun();
        mark.enter(Effect::READ); // dropped
        mark.enter(Effect::WRITE);
        mark.leave(Answer::Done);
        assert!(!mark.has_abandoned());
        mark.enter(Effect::WRITE); // dropped
        assert!(mark.has_abandoned());
        mark.finish(None);
        assert!(mark.has_abandoned());
        mark.enter(Effect::READ);
        mark.leave(Answer::Done);
        assert!(matches!(mark.forbids_commit(), Some(SqlFailure::StatementAbandoned)));
        mark.settle();
        assert!(!mark.has_abandoned());
    }

    #[test]
    fn what_was_sent_is_counted_beyond_a_reset() {
        let mut mark = Mark::default();
        mark.enter_for_borrower(Effect::READ);
        mark.leave(Answer::Done);
        mark.enter(Effect::READ); // ours
        mark.leave(Answer::Done);
        mark.reset();
        mark.enter_for_borrower(Effect::READ);
        assert_eq!(mark.statements(), 2);
    }

    #[test]
    fn a_touch_stays_and_the_first_is_named() {
        let mut mark = Mark::default();
        mark.enter(Effect::touch("PRAGMA"));
        mark.touch("ATTACH");
        mark.leave(Answer::Done);
        mark.settle();
        assert_eq!(mark.condition(), Condition::Dirty);
        assert_eq!(mark.touched(), Some("PRAGMA"));
        mark.reset();
        assert_eq!(mark.condition(), Condition::Clean);
    }

    #[test]
    fn after_the_first_error_only_a_way_back_is_admitted() {
        let mut mark = Mark::default();
        mark.begun();
        mark.enter(Effect::WRITE);
        mark.leave(aborted());
        mark.enter(Effect::READ);
        mark.leave(Answer::Failed {
            fault: Fault::Other,
            aborts: Some(FirstError { code: "25P02".to_owned(), message: "late".to_owned() }),
            stale: false,
            undecided: false,
        });
        let Err(SqlFailure::PendingRollback { source }) = mark.admits(&Effect::READ) else {
            panic!("a statement was admitted");
        };
        assert_eq!(source.to_string(), "no (22012)");
        let back = Effect::control(Control::Rewinds);
        assert!(mark.admits(&back).is_ok());
        mark.enter(back);
        mark.leave(Answer::Done);
        assert!(mark.admits(&Effect::READ).is_ok());
        assert!(mark.forbids_commit().is_none());
    }

    #[test]
    fn a_late_error_counts_for_its_transaction_alone() {
        let mut mark = Mark::default();
        mark.enter(Effect::READ); // dropped
        mark.finish(Some(aborted()));
        assert_eq!(mark.condition(), Condition::Clean);
        mark.begun();
        mark.enter(Effect::READ); // dropped
        mark.finish(Some(aborted()));
        assert!(matches!(mark.forbids_commit(), Some(SqlFailure::PendingRollback { .. })));
    }

    #[test]
    fn what_a_borrower_ends_himself_is_known() {
        let mut mark = Mark::default();
        mark.enter(Effect::control(Control::Any));
        mark.leave(Answer::Done);
        assert_eq!(mark.condition(), Condition::Dirty);
        mark.enter(Effect::control(Control::Ends(End::Commit)));
        mark.leave(Answer::Done);
        assert_eq!(mark.condition(), Condition::Clean);

        for (end, wanted) in [
            (End::Commit, SqlFailure::NoTransaction.to_string()),
            (End::Rollback, SqlFailure::RolledBack.to_string()),
        ] {
            mark.begun();
            mark.enter(Effect::control(Control::Ends(end)));
            mark.leave(Answer::Done);
            assert_eq!(mark.condition(), Condition::Dirty);
            assert_eq!(mark.admits(&Effect::READ).unwrap_err().to_string(), wanted);
            assert_eq!(mark.forbids_commit().unwrap().to_string(), wanted);
            mark.settle();
        }
    }

    #[test]
    fn an_implicit_commit_ends_the_transaction_whatever_comes_of_its_statement() {
        let implicit = Effect::control(Control::Ends(End::ImplicitCommit));
        for end in [
            |mark: &mut Mark| mark.leave(Answer::Done),
            |mark: &mut Mark| mark.leave(failed(Fault::Other)),
            |mark: &mut Mark| mark.finish(None),
        ] {
            let mut mark = Mark::default();
            mark.begun();
            mark.enter_for_borrower(implicit);
            end(&mut mark);
            assert!(matches!(mark.admits(&Effect::READ), Err(SqlFailure::NoTransaction)));
            assert!(mark.is_meddled());
        }
        let mut mark = Mark::default();
        mark.enter(implicit);
        mark.leave(failed(Fault::Other));
        assert!(mark.admits(&Effect::READ).is_ok());
    }

    #[test]
    fn what_a_borrower_may_have_committed_stays_in_doubt_to_the_transactions_end() {
        let commit = Effect::control(Control::Ends(End::Commit));
        let undecided =
            || Answer::Failed { fault: Fault::Other, aborts: None, stale: false, undecided: true };
        let meddles = |effect, end: fn(&mut Mark)| {
            let mut mark = Mark::default();
            mark.begun();
            mark.enter_for_borrower(effect);
            end(&mut mark);
            mark.enter(Effect::WRITE);
            mark.leave(failed(Fault::Conflict));
            let meddled = mark.is_meddled();
            mark.settle();
            assert!(!mark.is_meddled());
            meddled
        };
        for effect in [commit, Effect::control(Control::Any)] {
            assert!(meddles(effect, |mark| mark.leave(Answer::Done)));
            assert!(meddles(effect, |mark| mark.finish(None)));
            assert!(meddles(effect, |_| {}), "nothing is known of it");
        }
        assert!(meddles(Effect::control(Control::Any), |mark| mark.leave(failed(Fault::Other))));
        assert!(!meddles(commit, |mark| mark.leave(failed(Fault::Other))), "it did not happen");
        assert!(!meddles(Effect::WRITE, |mark| mark.leave(Answer::Done)));

        let mut mark = Mark::default();
        mark.begun();
        mark.enter_for_borrower(commit);
        mark.leave(undecided());
        mark.lose(Fault::BackendLost);
        assert_eq!(mark.condition(), Condition::Broken(Fault::OutcomeUnknown));
        mark.committing();
        assert_eq!(mark.condition(), Condition::Broken(Fault::BackendLost));
    }

    #[test]
    fn an_end_dropped_half_way_counts_where_a_rollback_is_to_come() {
        let mut mark = Mark::default();
        mark.begun();
        mark.enter_for_borrower(Effect::control(Control::Ends(End::Commit)));
        mark.finish(None);
        assert!(matches!(mark.admits(&Effect::READ), Err(SqlFailure::NoTransaction)));
        let mut mark = Mark::default();
        mark.suspect();
        mark.enter_for_borrower(Effect::control(Control::Ends(End::Commit)));
        mark.finish(None);
        assert_eq!(mark.condition(), Condition::Dirty, "a BEGIN of his may be open");
    }

    #[test]
    fn a_commit_needs_a_transaction_of_ours() {
        let mut mark = Mark::default();
        assert!(matches!(mark.forbids_commit(), Some(SqlFailure::NoTransaction)));
        mark.suspect();
        assert!(matches!(mark.forbids_commit(), Some(SqlFailure::NoTransaction)));
        mark.begun();
        assert!(mark.forbids_commit().is_none());
    }
}
