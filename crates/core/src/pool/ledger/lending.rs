//! Who gets a session: at once, or in the order of the queue.

use tokio::runtime;
use tokio::time::Instant;

use super::{Ledger, Refusal};
use crate::event::Reason;
use crate::pool::aftermath::Aftermath;
use crate::pool::classes::ClassId;
use crate::pool::idle::Idle;
use crate::pool::places::{Borrower, Home, PlaceId};
use crate::pool::queue::{Request, Seen, Ticket, Verdict};
use crate::{Condition, Pause};

impl<S> Ledger<S> {
    /// An idle session, if there is one that may be lent as it is, and nobody waits:
    /// that overtakes nobody.
    #[inline]
    pub(crate) fn lend(
        &mut self,
        borrower: Borrower,
        aftermath: &mut Aftermath<S>,
    ) -> Option<(PlaceId, S)> {
        self.lend_where(|_| true, borrower, aftermath)
    }

    /// The same, but only of the sessions whose number is meant.
    #[inline]
    pub(crate) fn lend_where(
        &mut self,
        is_meant: impl Fn(u64) -> bool,
        borrower: Borrower,
        aftermath: &mut Aftermath<S>,
    ) -> Option<(PlaceId, S)> {
        if self.pause.is_some() || self.servable() > 0 || !self.classes.has_room(borrower.class) {
            return None;
        }
        let Idle { place, session, .. } = self.pop_lendable(borrower.since, is_meant)?;
        self.places.lend(place, borrower);
        self.lent(borrower.since, borrower.class, aftermath);
        if self.idle.len() < self.limits.min_idle {
            self.call_if_opening_wanted(aftermath);
        }
        Some((place, session))
    }

    /// What follows whenever a session is lent.
    #[inline]
    pub(super) fn lent(
        &mut self,
        now: Instant,
        class: Option<ClassId>,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.acquired += 1;
        self.recalled = 0;
        self.classes.enter(now, class);
        if let Some(limit) = self.limits.leak_detection {
            let overdue = now.checked_add(limit);
            if overdue.is_some_and(|at| self.seat.sleeps_beyond(at)) {
                aftermath.call(self.seat.call());
            }
        }
    }

    /// How many of those who wait could be served, were there sessions enough: the
    /// others wait for their class to have room.
    #[inline]
    pub(in crate::pool) fn servable(&self) -> usize {
        if self.queue.is_empty() {
            return 0;
        }
        let classed = self.classes.iter();
        let classed =
            classed.map(|(class, share)| self.queue.len_of(Some(class)).min(share.room()));
        self.queue.len_of(None) + classed.sum::<usize>()
    }

    /// Who is to be served next.
    #[inline]
    pub(super) fn next_in_line(&self) -> Option<Ticket> {
        self.queue.first(|class| self.classes.has_room(Some(class)))
    }

    #[inline]
    fn pop_lendable(&mut self, now: Instant, is_meant: impl Fn(u64) -> bool) -> Option<Idle<S>> {
        let Self { idle, places, limits, .. } = self;
        idle.pop_newest_where(|idle| {
            !limits.needs_check(now, idle.alive)
                && !places.is_worn(now, idle.place, limits.max_uses)
                && is_meant(places.number(idle.place))
        })
    }

    /// Serves those who wait from stock. What was idle for too long to be lent
    /// unseen is checked first, one for each: an opening under way may take long, or
    /// fail.
    pub(super) fn serve_from_stock(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        if self.pause.is_some() {
            return;
        }
        while let Some(next) = self.next_in_line() {
            let Some(Idle { place, session, .. }) = self.pop_lendable(now, |_| true) else { break };
            let waker = self.hand_over(now, next, place, session, aftermath);
            aftermath.wake_all([waker]);
        }
        while self.servable() > self.places.tally().serving_checks {
            let Some(idle) = self.idle.pop() else { break };
            self.check_or_retire(now, idle, true, aftermath);
        }
        self.phases_changed(now);
    }

    #[inline]
    pub(super) fn is_worn(&self, now: Instant, place: PlaceId) -> bool {
        self.places.is_worn(now, place, self.limits.max_uses)
    }

    /// Queues an acquire. `runtime` is the one it waits on.
    pub(crate) fn join(
        &mut self,
        now: Instant,
        mut request: Request,
        runtime: Option<runtime::Id>,
        aftermath: &mut Aftermath<S>,
    ) -> Result<Ticket, Refusal> {
        if let Err(refusal) = self.admit(now, &request, runtime) {
            self.tell_turned_away(now, &request, &refusal, aftermath);
            aftermath.discard(request.waker);
            if let Refusal::NoTime(_) | Refusal::QueueFull { .. } = refusal {
                if self.classes.has_room(request.borrower.class) {
                    self.check_for_the_next(now, aftermath);
                }
            }
            self.call_if_opening_wanted(aftermath);
            return Err(refusal);
        }
        request.opening_mark = self.opening_time.total(now);
        request.checking_mark = self.checking_time.total(now);
        request.full_mark = self.classes.full_mark(now, request.borrower.class);
        let deadline = request.deadline();
        self.recalled = 0;
        let ticket = self.queue.join(request);
        self.tell_queued(self.queue.request(ticket), aftermath);
        if self.idle.len() > 0 {
            self.serve_from_stock(now, aftermath);
            self.fail_fast(now, aftermath);
        }
        self.call_if_opening_wanted(aftermath);
        if deadline.is_some_and(|at| self.seat.sleeps_beyond(at)) {
            aftermath.call(self.seat.call());
        }
        Ok(ticket)
    }

    /// Starts a janitor's term where there is work for one.
    pub(crate) fn seat_janitor_for_work(&mut self, runtime: Option<runtime::Id>) -> Option<Home> {
        let work = !self.queue.is_empty() || self.wants_opening();
        if work { self.seat_janitor(runtime) } else { None }
    }

    pub(super) fn admit(
        &mut self,
        now: Instant,
        request: &Request,
        runtime: Option<runtime::Id>,
    ) -> Result<(), Refusal> {
        if !self.open {
            self.counters.refused_closed += 1;
            return Err(Refusal::Closed);
        }
        if self.pause == Some(Pause::Fail) {
            self.counters.refused_paused += 1;
            return Err(Refusal::Paused);
        }
        if let Some(failure) = self.hopeless(now) {
            self.counters.failed += 1;
            return Err(Refusal::Rejected(Box::new(failure)));
        }
        if request.limit.is_zero() {
            self.counters.timed_out += 1;
            return Err(Refusal::NoTime(Box::new(request.borrower)));
        }
        let has_room = self.classes.has_room(request.borrower.class);
        let before = if has_room { self.servable() } else { self.queue.len() };
        if before >= self.limits.max_waiters {
            self.counters.queue_full += 1;
            let max_waiters = self.limits.max_waiters;
            return Err(Refusal::QueueFull { max_waiters, status: Box::new(self.status(now)) });
        }
        // In the models there are no runtimes, and one of their threads plays the janitor.
        let played = cfg!(any(sessionpool_loom, sessionpool_shuttle)) && !self.seat.is_empty();
        if runtime.is_none() && !played {
            // Nothing could wake it at its deadline.
            self.counters.failed += 1;
            return Err(Refusal::NoRuntime);
        }
        Ok(())
    }

    /// Starts a janitor's term, if there is none and `runtime` can carry one.
    pub(crate) fn seat_janitor(&mut self, runtime: Option<runtime::Id>) -> Option<Home> {
        if self.seat.is_empty() && runtime.is_some() { Some(self.seat.take(runtime)) } else { None }
    }

    /// A waiter that keeps its own time found it over.
    pub(crate) fn time_is_over(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        self.expire_waiters(now, aftermath);
        self.call_if_nothing_is_left(aftermath);
    }

    pub(crate) fn see(&mut self, ticket: Ticket) -> Seen<S> {
        self.queue.see(ticket)
    }

    /// An acquire leaves: it `gave_up`, being dropped, or the pool cannot serve it.
    /// A session granted to it meanwhile passes on in the same step; it counts as
    /// lent and returned.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        ticket: Ticket,
        gave_up: bool,
        aftermath: &mut Aftermath<S>,
    ) {
        let (request, verdict) = self.queue.leave(ticket);
        match verdict {
            None if gave_up => {
                self.counters.cancelled += 1;
                self.tell_cancelled(now, &request, aftermath);
            }
            None => {
                self.counters.failed += 1;
                self.tell_refused(&request, Reason::NoRuntime, aftermath);
            }
            Some(Verdict::Granted(place, session)) => {
                self.tell_returned(now, place, aftermath);
                self.give_back(now, place, session, Condition::Clean, aftermath);
            }
            // Its cause may be the last of its kind, and somebody's to drop.
            Some(Verdict::Failed(failure)) => aftermath.forget(Some(*failure)),
            Some(Verdict::Closed | Verdict::Paused | Verdict::TimedOut) => {}
        }
        aftermath.discard(request.waker);
        self.call_if_nothing_is_left(aftermath);
    }
}
