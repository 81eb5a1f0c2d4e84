//! What becomes of a session that comes back, and where each goes that is fit, or not.

use std::task::Waker;

use tokio::time::Instant;

use super::{Errand, Ledger, Work};
use crate::event::{Cleaned, Cleaning, Ending, Event};
use crate::pool::aftermath::Aftermath;
use crate::pool::classes::ClassId;
use crate::pool::idle::Idle;
use crate::pool::places::{Borrower, PlaceId, Stage};
use crate::pool::queue::{Ticket, Verdict};
use crate::{Condition, Fault};

impl<S> Ledger<S> {
    /// A lease ended.
    #[inline]
    pub(crate) fn give_back(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) {
        let class = self.came_back(now, place, condition, aftermath);
        match condition {
            Condition::Clean => self.settle(now, place, session, aftermath),
            Condition::Dirty | Condition::Busy => self.clean(place, session, aftermath),
            Condition::Broken(_) => self.end(place, session, Ending::Broken, aftermath),
        }
        self.lease_is_over(now, class, aftermath);
    }

    /// A lease ended whose session is not to be lent again.
    pub(crate) fn give_up(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        ending: Ending,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) {
        let class = self.came_back(now, place, condition, aftermath);
        self.end(place, session, ending, aftermath);
        self.lease_is_over(now, class, aftermath);
    }

    /// A lease ended whose session its holder keeps for good.
    pub(crate) fn detach(&mut self, now: Instant, place: PlaceId, aftermath: &mut Aftermath<S>) {
        let class = self.came_back(now, place, Condition::Clean, aftermath);
        self.tell_closed(now, place, Ending::Detached, true, aftermath);
        self.places.free(place);
        self.counters.closed.count(Ending::Detached);
        self.place_freed(now, aftermath);
        self.lease_is_over(now, class, aftermath);
    }

    /// A lease ended, in whatever way. Answers what class it was of.
    #[inline]
    fn came_back(
        &mut self,
        now: Instant,
        place: PlaceId,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) -> Option<ClassId> {
        self.counters.returned += 1;
        self.heed(place, condition, aftermath);
        if self.classes.is_empty() {
            return None;
        }
        let class = self.places.loan(place).and_then(|loan| loan.borrower.class);
        self.classes.leave(now, class);
        class
    }

    /// When what came back serves nobody, whoever waited for that class may be served from
    /// stock, and whoever waited for that session may wait for nothing.
    #[inline]
    fn lease_is_over(
        &mut self,
        now: Instant,
        class: Option<ClassId>,
        aftermath: &mut Aftermath<S>,
    ) {
        if class.is_some() {
            self.serve_from_stock(now, aftermath);
            self.call_if_opening_wanted(aftermath);
        }
        self.fail_fast(now, aftermath);
    }

    /// A session was made fit for the next borrower.
    pub(crate) fn cleaned(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell_cleaned(place, true, aftermath);
        self.settle(now, place, session, aftermath);
        self.fail_fast(now, aftermath);
    }

    fn tell_cleaned(&self, place: PlaceId, fit: bool, aftermath: &mut Aftermath<S>) {
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            Event::Cleaned(Cleaned { session, fit })
        });
    }

    /// Cleaning failed; the same errand goes on to close the session.
    pub(crate) fn could_not_clean(
        &mut self,
        now: Instant,
        place: PlaceId,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell_cleaned(place, false, aftermath);
        self.heed(place, condition, aftermath);
        self.tell_closing(place, Ending::Unclean, aftermath);
        self.places.move_to(place, Stage::Closing(Ending::Unclean));
        self.fail_fast(now, aftermath);
    }

    /// A session is gone, and its place is free.
    pub(crate) fn gone(
        &mut self,
        now: Instant,
        place: PlaceId,
        confirmed: bool,
        aftermath: &mut Aftermath<S>,
    ) {
        let (ending, was_staying) = match *self.places.stage(place) {
            Stage::Closing(ending) => (ending, false),
            stage => (self.broken_off(place, stage, aftermath), true),
        };
        self.tell_closed(now, place, ending, confirmed, aftermath);
        self.places.free(place);
        self.counters.closed.count(ending);
        if !confirmed {
            self.counters.close_failed += 1;
        }
        if was_staying {
            self.fail_fast(now, aftermath);
        }
        self.place_freed(now, aftermath);
    }

    /// A dying runtime leaves an errand to nobody: its session is ended at once.
    pub(super) fn never_sent(&mut self, place: PlaceId, session: S, aftermath: &mut Aftermath<S>) {
        let stage = *self.places.stage(place);
        if !matches!(stage, Stage::Closing(_)) {
            let ending = self.broken_off(place, stage, aftermath);
            self.places.move_to(place, Stage::Closing(ending));
        }
        aftermath.abort(place, session);
    }

    /// Only a dying runtime ends a session that is not being closed.
    fn broken_off(&self, place: PlaceId, stage: Stage, aftermath: &mut Aftermath<S>) -> Ending {
        match stage {
            Stage::Checking => self.tell_checked(place, Some(Fault::SessionLost), aftermath),
            Stage::Cleaning => self.tell_cleaned(place, false, aftermath),
            Stage::Opening | Stage::Idle | Stage::Leased(_) | Stage::Closing(_) => {}
        }
        self.tell_closing(place, Ending::RuntimeLost, aftermath);
        Ending::RuntimeLost
    }

    /// A clean session: to the first in line, or to stock.
    #[inline]
    pub(super) fn settle(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) {
        self.settle_since(now, now, place, session, aftermath);
    }

    #[inline]
    pub(super) fn settle_since(
        &mut self,
        now: Instant,
        since: Instant,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) {
        if !self.open {
            return self.end(place, session, Ending::PoolClosed, aftermath);
        }
        if let Some(ending) = self.unfit(now, place) {
            return self.end(place, session, ending, aftermath);
        }
        let next = self.next_in_line();
        if let (Some(next), None) = (next, self.pause) {
            let waker = self.hand_over(now, next, place, session, aftermath);
            return aftermath.wake(waker);
        }
        if self.idle.len() >= self.limits.max_idle() && next.is_none() {
            return self.end(place, session, Ending::Surplus, aftermath);
        }
        self.places.move_to(place, Stage::Idle);
        self.idle.push(Idle { place, session, since, alive: now });
        self.call_when_due(now, place, aftermath);
    }

    /// Why a clean session is not to be lent again.
    #[inline]
    fn unfit(&self, now: Instant, place: PlaceId) -> Option<Ending> {
        if !self.seat.is_home(self.places.home(place)) {
            return Some(Ending::RuntimeLost);
        }
        if self.staying() > self.limits.max_size {
            return Some(Ending::Surplus);
        }
        self.places.unfit(now, place, self.limits.max_uses)
    }

    #[inline]
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        next: Ticket,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) -> Waker {
        let request = self.queue.request(next);
        let class = request.borrower.class;
        let waits = if self.listened { Some(self.waits(now, request)) } else { None };
        let places = &mut self.places;
        let waker = self.queue.decide(next, |request| {
            places.lend(place, Borrower { since: now, ..request.borrower });
            Verdict::Granted(place, session)
        });
        self.lent(now, class, aftermath);
        if let Some(waits) = waits {
            self.tell_lent(place, waits, aftermath);
        }
        waker
    }

    pub(super) fn clean(&mut self, place: PlaceId, session: S, aftermath: &mut Aftermath<S>) {
        if !self.open {
            return self.end(place, session, Ending::PoolClosed, aftermath);
        }
        let home = self.places.home(place);
        if !self.seat.is_home(home) {
            return self.end(place, session, Ending::RuntimeLost, aftermath);
        }
        if self.places.is_stale(place) {
            return self.end(place, session, Ending::Stale, aftermath);
        }
        self.places.move_to(place, Stage::Cleaning);
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            Event::Cleaning(Cleaning { session })
        });
        self.errands.push_back(Errand { place, work: Work::Clean(session) });
        aftermath.call(self.seat.call());
    }

    /// Ends a session: in the background while its runtime lives, at once when
    /// that is gone. Its place stays taken until it has ended.
    pub(super) fn end(
        &mut self,
        place: PlaceId,
        session: S,
        ending: Ending,
        aftermath: &mut Aftermath<S>,
    ) {
        if self.seat.is_home(self.places.home(place)) {
            self.tell_closing(place, ending, aftermath);
            self.places.move_to(place, Stage::Closing(ending));
            let errand = Errand { place, work: Work::Close(session) };
            match ending {
                Ending::Worn => self.retire(errand),
                _ => self.errands.push_back(errand),
            }
            aftermath.call(self.seat.call());
        } else {
            self.tell_closing(place, Ending::RuntimeLost, aftermath);
            self.places.move_to(place, Stage::Closing(Ending::RuntimeLost));
            aftermath.abort(place, session);
        }
    }

    pub(super) fn place_freed(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        self.phases_changed(now);
        if self.places.taken() == 0 {
            aftermath.wake_all(self.closers.take());
        }
        self.call_if_nothing_is_left(aftermath);
        self.call_if_opening_wanted(aftermath);
    }

    /// Lets the janitor leave.
    pub(super) fn call_if_nothing_is_left(&mut self, aftermath: &mut Aftermath<S>) {
        if self.places.taken() == 0 && self.queue.is_empty() {
            aftermath.call(self.seat.call());
        }
    }

    /// Sees to it that the janitor looks when the session that is idle now is due.
    fn call_when_due(&mut self, now: Instant, place: PlaceId, aftermath: &mut Aftermath<S>) {
        let old = self.places.expires(place);
        let due = [self.next_expiry(), self.next_keepalive(now), old];
        if due.into_iter().flatten().any(|at| self.seat.sleeps_beyond(at)) {
            aftermath.call(self.seat.call());
        }
    }
}
