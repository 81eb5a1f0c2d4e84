//! When one more session is opened.

use tokio::time::Instant;

use super::{Errand, Ledger, Work};
use crate::event::{Event, Opening};
use crate::pool::aftermath::Aftermath;

impl<S> Ledger<S> {
    /// True if one more opening has somebody to serve and room to do it,
    /// whatever the time.
    pub(super) fn wants_opening(&self) -> bool {
        let tally = self.places.tally();
        let connecting = if self.outage.is_over() { self.limits.max_connecting } else { 1 };
        self.open
            && self.pause.is_none()
            && self.places.taken() < self.limits.max_size
            && tally.opening < connecting
            && (self.servable() > tally.serving() || self.wants_stock())
    }

    /// True if a session is to be opened though nobody waits for it.
    pub(super) fn wants_stock(&self) -> bool {
        self.stock_is_low() || self.is_wish_open() || self.probe
    }

    pub(super) fn stock_is_low(&self) -> bool {
        let tally = self.places.tally();
        self.idle.len() + tally.opening + tally.checking + self.recalled < self.limits.min_idle
            && !self.outage.is_rejected()
    }

    pub(super) fn call_if_opening_wanted(&mut self, aftermath: &mut Aftermath<S>) {
        if self.wants_opening() || self.retired() > 0 {
            aftermath.call(self.seat.call());
        }
    }

    pub(super) fn start_openings(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        while self.wants_opening() && self.outage.holds_back_until(now).is_none() {
            let home = self.seat.home();
            let place = self.places.take(now, home);
            self.probe = false;
            self.tell(aftermath, |ledger| {
                let opening = ledger.places.number(place);
                Event::Opening(Opening { opening })
            });
            self.errands.push_back(Errand { place, work: Work::Open });
        }
        self.phases_changed(now);
    }

    /// Keeps the stopwatches that tell what waiters waited for.
    pub(super) fn phases_changed(&mut self, now: Instant) {
        let tally = self.places.tally();
        let held_back = !self.outage.is_over() && self.places.taken() < self.limits.max_size;
        let opening = tally.opening > 0 || held_back;
        self.opening_time.run(now, opening);
        self.checking_time.run(now, tally.checking > 0 && !opening);
    }
}
