//! What is due whenever the janitor looks.

use tokio::time::Instant;

use super::{Ledger, Round, Work};
use crate::event::{Ending, Event, Leaked};
use crate::pool::aftermath::Aftermath;
use crate::pool::idle::Idle;
use crate::pool::places::{Home, Loan};
use crate::pool::queue::Verdict;

impl<S> Ledger<S> {
    /// Everything that is due.
    pub(crate) fn round(&mut self, now: Instant, aftermath: &mut Aftermath<S>) -> Round<S> {
        self.expire_waiters(now, aftermath);
        self.tell_leaks(now, aftermath);
        self.expire_idle(now, aftermath);
        self.retire_worn(now, aftermath);
        self.keep_alive(now, aftermath);
        self.start_openings(now, aftermath);
        self.send_retiring(self.retired(), aftermath);
        self.seat.looked(now);
        self.wake_warmers(aftermath);
        let over = self.places.taken() == 0
            && self.queue.is_empty()
            && !(self.open && self.pause.is_none() && self.wants_stock());
        let next = self.next_event(now);
        if over {
            self.seat.leave();
        } else {
            self.seat.sleep_until(next);
        }
        Round { errands: std::mem::take(&mut self.errands), next, over }
    }

    /// The janitor's runtime is gone, and with it every socket opened there.
    /// Whoever still waits is woken, to start another janitor on its own runtime.
    pub(crate) fn janitor_lost(&mut self, now: Instant, home: Home, aftermath: &mut Aftermath<S>) {
        if !self.seat.is_home(home) {
            return;
        }
        let any_stayed = self.staying() > 0;
        self.seat.leave();
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::RuntimeLost, aftermath);
        }
        self.errands.append(&mut self.retiring);
        for errand in std::mem::take(&mut self.errands) {
            match errand.work {
                Work::Open => unreachable!("an opening goes out in the round that decides on it"),
                Work::Check { session, .. } | Work::Clean(session) | Work::Close(session) => {
                    self.never_sent(errand.place, session, aftermath);
                }
            }
        }
        if any_stayed {
            self.fail_fast(now, aftermath);
        }
        aftermath.wake_all(self.queue.take_wakers());
        self.wake_warmers(aftermath);
    }

    pub(super) fn expire_waiters(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        for ticket in self.queue.overdue(now) {
            self.counters.timed_out += 1;
            self.tell_timed_out(now, self.queue.request(ticket), aftermath);
            aftermath.wake_all([self.queue.decide(ticket, |_| Verdict::TimedOut)]);
        }
    }

    /// Tells of those who have had a session for too long, once.
    fn tell_leaks(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        let Some(limit) = self.limits.leak_detection else { return };
        for Loan { session, borrower } in self.places.overdue_leases(now, limit) {
            self.counters.leaked += 1;
            self.tell(aftermath, |ledger| {
                let held = now.saturating_duration_since(borrower.since);
                Event::Leaked(Leaked { acquire: ledger.acquire(&borrower), session, held })
            });
        }
    }

    pub(super) fn expire_idle(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        let Some(limit) = self.limits.idle_timeout else { return };
        while self.idle.len() > self.limits.min_idle {
            match self.idle.oldest() {
                Some(oldest) if now.saturating_duration_since(oldest.since) >= limit => {}
                _ => return,
            }
            if let Some(Idle { place, session, .. }) = self.idle.pop_oldest() {
                self.end(place, session, Ending::Expired, aftermath);
            }
        }
    }

    /// When the idle session unused the longest expires.
    #[inline]
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        if self.idle.len() <= self.limits.min_idle {
            return None;
        }
        self.idle.oldest()?.since.checked_add(self.limits.idle_timeout?)
    }

    /// Checks idle sessions that were silent for too long, a few at once: those being
    /// checked cannot be lent.
    fn keep_alive(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        while self.next_keepalive(now).is_some_and(|at| at <= now) {
            let Self { idle, places, limits, .. } = self;
            let Some(limit) = limits.keepalive_interval else { return };
            let due = |idle: &Idle<S>| {
                now.saturating_duration_since(idle.alive) >= limit
                    && !places.is_worn(now, idle.place, limits.max_uses)
            };
            let Some(idle) = idle.pop_oldest_where(due) else { return };
            self.check(now, idle, false, aftermath);
        }
    }

    /// When the idle session silent the longest is to be checked; `None` also while
    /// enough are being checked, since the end of a check is an event of its own.
    pub(super) fn next_keepalive(&self, now: Instant) -> Option<Instant> {
        let limit = self.limits.keepalive_interval?;
        if self.places.tally().checking >= self.limits.max_connecting {
            return None;
        }
        let kept = self.idle.iter().filter(|idle| !self.is_worn(now, idle.place));
        kept.map(|idle| idle.alive).min()?.checked_add(limit)
    }

    pub(super) fn next_event(&self, now: Instant) -> Option<Instant> {
        let retry = if self.wants_opening() { self.outage.holds_back_until(now) } else { None };
        [
            self.queue.earliest(),
            self.next_expiry(),
            self.limits.leak_detection.and_then(|limit| self.places.next_overdue_lease(limit)),
            self.next_keepalive(now),
            self.next_retirement(),
            retry,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
