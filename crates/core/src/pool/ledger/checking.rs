//! Whether a session that was idle is still alive.

use tokio::time::Instant;

use super::{Errand, Ledger, Work};
use crate::Fault;
use crate::event::{Checked, Checking, Ending, Event};
use crate::pool::aftermath::Aftermath;
use crate::pool::idle::Idle;
use crate::pool::places::{PlaceId, Stage};

impl<S> Ledger<S> {
    /// Somebody who cannot wait found nothing that may be lent unseen: the next one
    /// will.
    pub(crate) fn check_for_the_next(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        if self.pause.is_some() || self.places.tally().checking > 0 {
            return;
        }
        if let Some(idle) = self.idle.pop() {
            self.check_or_retire(now, idle, false, aftermath);
            self.phases_changed(now);
        }
    }

    pub(super) fn check_or_retire(
        &mut self,
        now: Instant,
        idle: Idle<S>,
        serves: bool,
        aftermath: &mut Aftermath<S>,
    ) {
        if self.is_worn(now, idle.place) {
            self.end(idle.place, idle.session, Ending::Worn, aftermath);
        } else {
            self.check(now, idle, serves, aftermath);
        }
    }

    /// Asks an idle session whether it is still alive, in the background: whoever
    /// waits for it may give up without costing the session.
    pub(super) fn check(
        &mut self,
        now: Instant,
        idle: Idle<S>,
        serves: bool,
        aftermath: &mut Aftermath<S>,
    ) {
        let Idle { place, session, since, alive } = idle;
        self.counters.checked += 1;
        self.places.check(place, serves);
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            Event::Checking(Checking { session, silent: now.saturating_duration_since(alive) })
        });
        self.errands.push_back(Errand { place, work: Work::Check { session, since, alive } });
        aftermath.call(self.seat.call());
    }

    /// A session answered a check. Unless it is lent now, it has been idle since
    /// before.
    pub(crate) fn checked(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        since: Instant,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell_checked(place, None, aftermath);
        self.settle_since(now, since, place, session, aftermath);
        self.after_check(now, aftermath);
    }

    pub(super) fn tell_checked(
        &self,
        place: PlaceId,
        fault: Option<Fault>,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            Event::Checked(Checked { session, fault })
        });
    }

    /// A check failed; the same errand goes on to close the session. When it is
    /// lost, those that were last known to be `alive` no later are ended, too, so that
    /// a caller pays for one check at most.
    pub(crate) fn check_failed(
        &mut self,
        now: Instant,
        place: PlaceId,
        fault: Fault,
        alive: Instant,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell_checked(place, Some(fault), aftermath);
        self.tell_closing(place, Ending::Dead, aftermath);
        self.places.move_to(place, Stage::Closing(Ending::Dead));
        self.met(fault, place, aftermath);
        let lost = fault.ends_session();
        while let Some(idle) =
            lost.then(|| self.idle.pop_oldest_where(|idle| idle.alive <= alive)).flatten()
        {
            self.end(idle.place, idle.session, Ending::Dead, aftermath);
        }
        self.after_check(now, aftermath);
    }

    /// Whoever waited for a session that is not lent after all is served otherwise.
    fn after_check(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        self.phases_changed(now);
        self.serve_from_stock(now, aftermath);
        self.fail_fast(now, aftermath);
        self.call_if_opening_wanted(aftermath);
        if self.limits.keepalive_interval.is_some() {
            aftermath.call(self.seat.call());
        }
    }
}
