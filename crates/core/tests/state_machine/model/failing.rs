//! Who is told at once that nothing can serve it.

use sessionpool_core::Fault;

use super::{Answer, Model, Verdict};

impl Model {
    /// What a newcomer is told while no session lives that could come back: a rejection
    /// that stands, or an outage that has lasted too long, until an opening succeeds. In an
    /// outage it causes the next opening; once that was due and nobody had asked, it waits.
    pub(super) fn hopeless(&mut self, seen: Answer) -> Option<Fault> {
        if self.living() > 0 || self.pause.is_some() {
            return None;
        }
        let (fault, _) = self.outage.last?;
        let lasted = self.outage_has_lasted();
        let is_told = match self.opening() {
            0 if lasted || self.is_rejected() => {
                self.outage.holds_back(self.now, matches!(seen, Answer::Failed(_)))
            }
            0 => false,
            _ => lasted,
        };
        self.reached.turned_away += u64::from(is_told && lasted);
        self.was_asked |= is_told && lasted && self.opening() == 0;
        is_told.then_some(fault)
    }

    /// Whoever waits is told as soon as newcomers are, but for an opening under way, which
    /// is waited for.
    pub(super) fn fail_fast(&mut self) {
        let nothing_lives = self.staying() == 0 && self.pause.is_none();
        let (Some((fault, _)), true) = (self.outage.last, nothing_lives) else { return };
        if !self.outage_has_lasted() || self.queue.is_empty() {
            return;
        }
        if self.now < self.outage.earliest {
            self.reached.told_of_outage += self.queue.len() as u64;
            self.fail_all(fault);
        } else {
            self.may_fail_fast = self.now < self.outage.latest;
        }
    }

    /// Somebody is woken, whom nothing that is known has served. Where those who wait may
    /// have been told of an outage, they have been: openings are still held back.
    pub(super) fn failed_fast(&mut self) {
        if std::mem::take(&mut self.may_fail_fast) {
            self.outage.holds_back(self.now, true);
            self.fail_fast();
        }
    }

    /// Something else happens: who may have been told of an outage has not been, since
    /// openings are no longer held back.
    pub(super) fn failed_nobody(&mut self) {
        if std::mem::take(&mut self.may_fail_fast) {
            self.outage.holds_back(self.now, false);
        }
    }

    pub(super) fn fail_all(&mut self, fault: Fault) {
        while let Some(first) = self.queue.pop_front() {
            self.counters.failed += 1;
            self.decide(first, Verdict::Failed(fault));
        }
    }

    pub(super) fn outage_has_lasted(&self) -> bool {
        self.settings.fail_fast_after.is_some_and(|limit| self.outage.has_lasted(limit))
    }
}
