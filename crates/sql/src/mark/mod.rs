//! A session's own account of what is open and what is half done on it.

mod open;
#[cfg(test)]
mod tests;

use sessionpool_core::{Condition, Fault};

use crate::effect::{Control, Effect, End};
use crate::failure::{FirstError, SqlFailure};
use open::Open;

/// What a session knows about itself: the answer to
/// [`condition`](sessionpool_core::Session::condition).
///
/// `in_flight` is set before every await that talks to the database and cleared
/// when the answer is complete. Nothing clears it when a future is dropped: that
/// *is* how a dropped future is noticed.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    in_flight: Option<Effect>,
    open: Open,
    touched: Option<&'static str>,
    /// The borrower may have prepared or unprepared statements himself.
    unprepared: bool,
    /// The connection's cache of statements is not what the database has.
    stale: bool,
    lost: Option<Fault>,
    /// How many statements borrowers have sent.
    statements: u64,
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

/// Around each request.
impl Mark {
    /// To be called when a borrower's statement is about to be sent.
    pub(crate) fn enter_for_borrower(&mut self, effect: Effect) {
        self.enter(effect);
        self.statements += 1;
        self.open.meddle(effect);
    }

    /// To be called when a request is about to be sent.
    pub(crate) fn enter(&mut self, effect: Effect) {
        self.remember_abandoned();
        self.open.remember_meddling(true);
        self.in_flight = Some(effect);
        self.unprepared |= effect.unprepares;
        if effect.control != Control::None {
            self.open.suspect();
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
                let control = effect.map_or(Control::None, |effect| effect.control);
                self.open.failed(control, fault, aborts);
                self.open.remember_meddling(undecided || control != Control::Ends(End::Commit));
                self.stale |= stale;
                if fault.ends_session() {
                    self.lose(fault);
                }
            }
        }
    }

    fn done(&mut self, effect: Effect) {
        self.stale |= effect.unprepares;
        self.open.remember_meddling(true);
        self.open.done(effect.control);
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
        self.open.remember_meddling(true);
        if let Some(Effect { control: Control::Ends(end), .. }) = self.in_flight.take() {
            self.open.end(end);
        }
    }

    const fn remember_abandoned(&mut self) {
        if self.has_abandoned() {
            self.open.abandon();
        }
    }
}

/// What a session notes.
impl Mark {
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
        self.open.suspect();
    }

    /// Notes that our transaction has begun.
    pub(crate) const fn begun(&mut self) {
        self.open.begun();
    }

    /// Notes that our transaction's commit is about to be sent.
    pub(crate) const fn committing(&mut self) {
        self.open.committing();
    }

    /// Notes that no transaction is open.
    pub(crate) fn settle(&mut self) {
        self.open = Open::default();
    }

    /// Notes that the connection's cache of statements is empty.
    pub(crate) const fn refresh(&mut self) {
        self.stale = false;
    }

    /// Notes that the session is as it was when it was opened.
    pub(crate) fn reset(&mut self) {
        *self = Self { statements: self.statements, ..Self::default() };
    }
}

/// What a session is asked.
impl Mark {
    pub(crate) const fn statements(&self) -> u64 {
        self.statements
    }

    pub(crate) const fn condition(&self) -> Condition {
        match self {
            // Of our own commit the unit itself tells.
            Self { lost: Some(_), .. } if self.is_meddled() && !self.is_committing() => {
                Condition::Broken(Fault::OutcomeUnknown)
            }
            Self { lost: Some(fault), .. } => Condition::Broken(*fault),
            Self { in_flight: Some(_), .. } => Condition::Busy,
            Self { touched: Some(_), .. }
            | Self { unprepared: true, .. }
            | Self { stale: true, .. } => Condition::Dirty,
            _ if self.is_open() => Condition::Dirty,
            _ => Condition::Clean,
        }
    }

    /// Whether a statement may be sent, as far as the open transaction goes.
    pub(crate) fn admits(&self, effect: &Effect) -> Result<(), SqlFailure> {
        self.open.admits(effect)
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

    pub(crate) const fn in_flight(&self) -> Option<Effect> {
        self.in_flight
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(crate) const fn is_ours(&self) -> bool {
        self.open.is_ours()
    }

    /// True if a transaction is or may be open.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_open()
    }

    /// True if the open transaction has a write in it that was dropped half way.
    pub(crate) const fn has_abandoned(&self) -> bool {
        let dropped = matches!(self.in_flight, Some(Effect { writes: true, .. }));
        self.open.is_abandoned() || (self.is_open() && dropped)
    }

    /// True if a statement of the open transaction has made it useless.
    pub(crate) const fn has_failed(&self) -> bool {
        self.open.has_failed()
    }

    pub(crate) const fn has_conflict(&self) -> bool {
        self.open.has_conflict()
    }

    /// True if our transaction's commit was sent, and nobody has heard what came of it.
    pub(crate) const fn is_committing(&self) -> bool {
        self.open.is_committing()
    }

    /// True if the borrower may have committed something of our transaction himself.
    pub(crate) const fn is_meddled(&self) -> bool {
        self.open.is_meddled()
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
