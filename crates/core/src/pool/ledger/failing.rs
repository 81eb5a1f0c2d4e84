//! Who is told that nothing can serve it, without having to wait.

use tokio::time::Instant;

use super::Ledger;
use crate::event::Reason;
use crate::pool::aftermath::Aftermath;
use crate::pool::outage::Failure;
use crate::pool::queue::Verdict;

impl<S> Ledger<S> {
    /// Why nobody need wait, while no session lives that could come back: a
    /// rejection that stands, or an outage that has lasted too long. The end of an
    /// outage is found out by those it turns away: they cause the next opening. Once
    /// that was due and nobody asked, the next to come waits for it.
    pub(super) fn hopeless(&mut self, now: Instant) -> Option<Failure> {
        let opening = self.places.tally().opening;
        if self.staying() > opening || self.pause.is_some() {
            return None;
        }
        if self.fails_fast(now) {
            self.probe = opening == 0;
            return self.outage.last().cloned();
        }
        self.outage.standing_rejection(now).filter(|_| opening == 0).cloned()
    }

    /// Whoever waits is told, as soon as nothing lives or is being opened that could serve
    /// it, and newcomers are told, too. Whoever waited through a pause in which the last
    /// session ended waits for an opening: nothing else is left to end.
    pub(super) fn fail_fast(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        let nothing_lives = self.staying() == 0 && self.pause.is_none();
        if self.queue.is_empty() || !nothing_lives || !self.fails_fast(now) {
            return;
        }
        if let Some(failure) = self.outage.last().cloned() {
            self.fail_all(&failure, aftermath);
        }
    }

    /// Whoever waits is told of that failure.
    pub(super) fn fail_all(&mut self, failure: &Failure, aftermath: &mut Aftermath<S>) {
        let verdict = || Verdict::Failed(Box::new(failure.clone()));
        self.counters.failed += self.answer_all(verdict, Reason::Failed(failure.fault), aftermath);
    }

    pub(super) fn fails_fast(&self, now: Instant) -> bool {
        let fresh = self.places.tally().opening > 0 || self.outage.holds_back_until(now).is_some();
        fresh && self.limits.fail_fast_after.is_some_and(|limit| self.outage.has_lasted(limit))
    }

    /// Answers all who wait, in their order, and tells how many that were.
    pub(super) fn answer_all(
        &mut self,
        verdict: impl Fn() -> Verdict<S>,
        reason: Reason,
        aftermath: &mut Aftermath<S>,
    ) -> u64 {
        let before = self.queue.len();
        while let Some(first) = self.queue.first(|_| true) {
            self.tell_refused(self.queue.request(first), reason, aftermath);
            aftermath.wake_all([self.queue.decide(first, |_| verdict())]);
        }
        before as u64
    }
}
