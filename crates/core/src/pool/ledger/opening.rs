//! When one more session is opened, and what becomes of that.

use tokio::time::Instant;

use super::{Errand, Ledger, Work};
use crate::event::{Event, OpenFailed, Opened, Opening};
use crate::pool::aftermath::Aftermath;
use crate::pool::outage::Failure;
use crate::pool::places::PlaceId;

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

    /// An opening succeeded; `jitter` is a random number in 0..1.
    pub(crate) fn opened(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        jitter: f64,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.opened += 1;
        let (opening, began) = (self.places.number(place), self.places.opened_at(place));
        self.places.opened(now, place, self.limits.lifetime(jitter));
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            let took = now.saturating_duration_since(began);
            Event::Opened(Opened { opening, session, took, streak: ledger.outage.streak() })
        });
        self.outage.succeeded();
        self.wake_warmers(aftermath);
        self.probe = false;
        self.settle(now, place, session, aftermath);
        self.opening_is_over(place, aftermath);
        self.phases_changed(now);
        self.call_if_opening_wanted(aftermath);
    }

    /// An opening failed; `jitter` is a random number in 0..1.
    pub(crate) fn open_failed(
        &mut self,
        place: PlaceId,
        failure: &Failure,
        jitter: f64,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.open_failed += 1;
        let now = failure.at;
        let opening = self.places.number(place);
        aftermath.forget(self.outage.failed(opening, failure.clone(), jitter));
        self.tell_open_failed(place, failure, aftermath);
        self.met(failure.fault, place, aftermath);
        self.opening_is_over(place, aftermath);
        self.places.free(place);
        self.wake_warmers(aftermath);
        if !failure.fault.is_retryable() {
            self.fail_all(failure, aftermath);
        }
        self.fail_fast(now, aftermath);
        self.place_freed(now, aftermath);
    }

    /// An opening ended without an answer: its runtime is going away.
    pub(crate) fn open_abandoned(
        &mut self,
        place: PlaceId,
        failure: &Failure,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.open_failed += 1;
        self.tell_open_failed(place, failure, aftermath);
        self.opening_is_over(place, aftermath);
        self.places.free(place);
        self.wake_warmers(aftermath);
        self.fail_fast(failure.at, aftermath);
        self.place_freed(failure.at, aftermath);
    }

    fn tell_open_failed(&self, place: PlaceId, failure: &Failure, aftermath: &mut Aftermath<S>) {
        self.tell(aftermath, |ledger| {
            let Failure { fault, cause, at } = failure.clone();
            let (opening, began) = (ledger.places.number(place), ledger.places.opened_at(place));
            let took = at.saturating_duration_since(began);
            let streak = ledger.outage.streak();
            Event::OpenFailed(OpenFailed { opening, took, fault, cause, streak })
        });
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
