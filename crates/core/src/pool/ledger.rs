//! The pool's books: who has what, since when, who waits.
//!
//! One struct under one short lock, with no clock and no await of its own: what
//! time it is comes in as an argument, and what has to happen outside the lock
//! (waking, ending) goes out as an [`Aftermath`]. Every rule about who gets which
//! session is in this file, and the loom models run this very code.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::runtime;
use tokio::time::Instant;

use super::aftermath::Aftermath;
use super::idle::{Idle, IdleStack};
use super::janitor::Seat;
use super::outage::{Failure, Outage};
use super::places::{Borrower, Ending, Home, PlaceId, Places, Stage};
use super::queue::{Queue, Request, Seen, Ticket, Verdict};
use super::settings::Limits;
use super::stopwatch::Stopwatch;
use crate::status::{Counters, Holder, Status};
use crate::{Condition, Fault, Pause};

#[derive(Debug)]
pub(crate) struct Ledger<S> {
    pub(super) limits: Limits,
    pub(super) places: Places,
    pub(super) queue: Queue<S>,
    pub(super) outage: Outage,
    pub(super) seat: Seat,
    pub(super) counters: Counters,
    pub(super) opening_time: Stopwatch,
    idle: IdleStack<S>,
    errands: VecDeque<Errand<S>>,
    open: bool,
    pub(super) pause: Option<Pause>,
    /// Somebody turned away wants to know whether the outage is over.
    probe: bool,
    /// The counters when closing began, to report what came after.
    pub(super) before_close: Option<Box<Counters>>,
    /// Who waits for the last session to end.
    closers: Vec<(u64, Waker)>,
}

/// Work for the janitor: it concerns one place, and takes time.
#[derive(Debug)]
pub(crate) struct Errand<S> {
    pub(crate) place: PlaceId,
    pub(crate) work: Work<S>,
}

#[derive(Debug)]
pub(crate) enum Work<S> {
    Open,
    Clean(S),
    Close(S),
}

/// Why an acquire may not join the queue.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed,
    Paused,
    QueueFull {
        max_waiters: usize,
        status: Box<Status>,
    },
    Rejected(Failure),
    /// It was given no time at all.
    NoTime(Borrower),
    NoRuntime,
}

/// What the janitor is to do, and when to come again.
#[derive(Debug)]
pub(crate) struct Round<S> {
    pub(crate) errands: VecDeque<Errand<S>>,
    pub(crate) next: Option<Instant>,
    /// Nothing is open and nobody waits: the janitor has left its seat.
    pub(crate) over: bool,
}

// ===== lending =====

impl<S> Ledger<S> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            places: Places::new(),
            queue: Queue::new(),
            outage: Outage::new(),
            seat: Seat::new(),
            counters: Counters::default(),
            opening_time: Stopwatch::new(),
            idle: IdleStack::new(),
            errands: VecDeque::new(),
            open: true,
            pause: None,
            probe: false,
            before_close: None,
            closers: Vec::new(),
        }
    }

    /// An idle session, if there is one and the pool is not paused. That overtakes
    /// nobody: while anyone is queued none is idle, since a session that comes back
    /// goes to the queue.
    #[inline]
    pub(crate) fn lend(
        &mut self,
        borrower: Borrower,
        aftermath: &mut Aftermath<S>,
    ) -> Option<(PlaceId, S)> {
        if self.pause.is_some() {
            return None;
        }
        let Idle { place, session, .. } = self.idle.pop()?;
        self.places.move_to(place, Stage::Leased(borrower));
        self.counters.acquired += 1;
        if self.idle.len() < self.limits.min_idle {
            self.call_if_opening_wanted(aftermath);
        }
        Some((place, session))
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
            aftermath.discard(request.waker);
            self.call_if_opening_wanted(aftermath);
            return Err(refusal);
        }
        request.opening_mark = self.opening_time.total(now);
        let deadline = request.deadline();
        let ticket = self.queue.join(request);
        if self.wants_opening() || deadline.is_some_and(|at| self.seat.sleeps_beyond(at)) {
            aftermath.call(self.seat.call());
        }
        Ok(ticket)
    }

    /// Starts a janitor's term where there is work for one.
    pub(crate) fn seat_janitor_for_work(&mut self, runtime: Option<runtime::Id>) -> Option<Home> {
        let work = !self.queue.is_empty() || self.wants_opening();
        if work { self.seat_janitor(runtime) } else { None }
    }

    fn admit(
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
            return Err(Refusal::Rejected(failure));
        }
        if request.limit.is_zero() {
            self.counters.timed_out += 1;
            return Err(Refusal::NoTime(request.borrower));
        }
        if self.queue.len() >= self.limits.max_waiters {
            self.counters.queue_full += 1;
            let max_waiters = self.limits.max_waiters;
            return Err(Refusal::QueueFull { max_waiters, status: Box::new(self.status(now)) });
        }
        // Under loom there are no runtimes, and a model plays the janitor.
        let played = cfg!(sessionpool_loom) && !self.seat.is_empty();
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

    /// Why nobody need wait, while no session lives that could come back: a
    /// rejection that stands, or an outage that has lasted too long. Of an outage the
    /// end is found out by those it turns away: one of them causes an opening each
    /// time that the pool no longer holds back.
    fn hopeless(&mut self, now: Instant) -> Option<Failure> {
        if self.places.taken() > self.places.tally().opening {
            return None;
        }
        if self.fails_fast(now) {
            self.probe = true;
            return self.outage.last().cloned();
        }
        self.outage.standing_rejection(now).filter(|_| self.places.taken() == 0).cloned()
    }

    fn fails_fast(&self, now: Instant) -> bool {
        self.limits.fail_fast_after.is_some_and(|limit| self.outage.has_lasted(now, limit))
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
        aftermath.discard(request.waker);
        match verdict {
            None if gave_up => self.counters.cancelled += 1,
            None => self.counters.failed += 1,
            Some(Verdict::Granted(place, session)) => {
                self.give_back(now, place, session, Condition::Clean, aftermath);
            }
            // Its cause may be the last of its kind, and somebody's to drop.
            Some(Verdict::Failed(failure)) => aftermath.forget(Some(failure)),
            Some(Verdict::Closed | Verdict::Paused | Verdict::TimedOut) => {}
        }
        self.call_if_nothing_is_left(aftermath);
    }
}

// ===== coming back =====

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
        self.counters.returned += 1;
        if let Condition::Broken(fault) = condition {
            self.met(fault, place, aftermath);
        }
        match condition {
            Condition::Clean => self.settle(now, place, session, aftermath),
            Condition::Dirty | Condition::Busy => self.clean(place, session, aftermath),
            Condition::Broken(_) => self.end(place, session, Ending::Broken, aftermath),
        }
    }

    /// A lease ended whose session is not to be lent again.
    pub(crate) fn give_up(
        &mut self,
        place: PlaceId,
        session: S,
        ending: Ending,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.returned += 1;
        self.end(place, session, ending, aftermath);
    }

    /// A lease ended whose session its holder keeps for good.
    pub(crate) fn detach(&mut self, place: PlaceId, aftermath: &mut Aftermath<S>) {
        self.counters.returned += 1;
        self.places.free(place);
        Ending::Detached.count(&mut self.counters.closed);
        self.place_freed(aftermath);
    }

    /// A session met that fault, or an opening did. When the backend is lost, every
    /// session opened before is suspect; once for all of those.
    pub(crate) fn met(&mut self, fault: Fault, place: PlaceId, aftermath: &mut Aftermath<S>) {
        let news = !self.places.is_stale(place) && self.places.has_fresh_sessions();
        if fault == Fault::BackendLost && news {
            self.flush(aftermath);
        }
    }

    /// Every session opened before now is suspect: idle ones end, others when they
    /// come back.
    pub(crate) fn flush(&mut self, aftermath: &mut Aftermath<S>) {
        self.places.next_generation();
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::Stale, aftermath);
        }
        self.call_if_opening_wanted(aftermath);
    }

    /// An opening succeeded.
    pub(crate) fn opened(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.opened += 1;
        self.places.opened(now, place);
        self.outage.succeeded();
        self.settle(now, place, session, aftermath);
        self.openings_changed(now);
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
        self.met(failure.fault, place, aftermath);
        self.places.free(place);
        let now = failure.at;
        aftermath.forget(self.outage.failed(failure.clone(), jitter));
        let hopeless = self.fails_fast(now) && self.places.taken() == 0;
        if hopeless || !failure.fault.is_retryable() {
            while let Some(waker) = self.queue.serve_first(|_| Verdict::Failed(failure.clone())) {
                self.counters.failed += 1;
                aftermath.wake_all([waker]);
            }
        }
        self.openings_changed(now);
        self.place_freed(aftermath);
    }

    /// An opening ended without an answer: its runtime is going away.
    pub(crate) fn open_abandoned(
        &mut self,
        now: Instant,
        place: PlaceId,
        aftermath: &mut Aftermath<S>,
    ) {
        self.counters.open_failed += 1;
        self.places.free(place);
        self.openings_changed(now);
        self.place_freed(aftermath);
    }

    /// A session was made fit for the next borrower.
    pub(crate) fn cleaned(
        &mut self,
        now: Instant,
        place: PlaceId,
        session: S,
        aftermath: &mut Aftermath<S>,
    ) {
        self.settle(now, place, session, aftermath);
    }

    /// Cleaning failed; the same errand goes on to close the session.
    pub(crate) fn could_not_clean(
        &mut self,
        place: PlaceId,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) {
        if let Condition::Broken(fault) = condition {
            self.met(fault, place, aftermath);
        }
        self.places.move_to(place, Stage::Closing(Ending::Unclean));
    }

    /// A session is gone, and its place is free.
    pub(crate) fn gone(&mut self, place: PlaceId, confirmed: bool, aftermath: &mut Aftermath<S>) {
        let ending = match self.places.free(place) {
            Stage::Closing(ending) => ending,
            // Only a dying runtime ends a session in any other stage.
            _ => Ending::RuntimeLost,
        };
        ending.count(&mut self.counters.closed);
        if !confirmed {
            self.counters.close_failed += 1;
        }
        self.place_freed(aftermath);
    }

    /// A clean session: to the first in line, or to stock.
    #[inline]
    fn settle(&mut self, now: Instant, place: PlaceId, session: S, aftermath: &mut Aftermath<S>) {
        if !self.open {
            return self.end(place, session, Ending::PoolClosed, aftermath);
        }
        if !self.seat.is_home(self.places.home(place)) {
            return self.end(place, session, Ending::RuntimeLost, aftermath);
        }
        if self.places.is_stale(place) {
            return self.end(place, session, Ending::Stale, aftermath);
        }
        if self.staying() > self.limits.max_size {
            return self.end(place, session, Ending::Surplus, aftermath);
        }
        if !self.queue.is_empty() && self.pause.is_none() {
            let waker = self.hand_over(now, place, session);
            return aftermath.wake(waker);
        }
        if self.idle.len() >= self.limits.max_idle() {
            return self.end(place, session, Ending::Surplus, aftermath);
        }
        self.places.move_to(place, Stage::Idle);
        self.idle.push(Idle { place, session, since: now });
        self.call_for_expiry(aftermath);
    }

    fn hand_over(&mut self, now: Instant, place: PlaceId, session: S) -> Option<Waker> {
        let places = &mut self.places;
        let waker = self.queue.serve_first(|request| {
            places.move_to(place, Stage::Leased(Borrower { since: now, ..request.borrower }));
            Verdict::Granted(place, session)
        });
        self.counters.acquired += 1;
        waker
    }

    fn clean(&mut self, place: PlaceId, session: S, aftermath: &mut Aftermath<S>) {
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
        self.errands.push_back(Errand { place, work: Work::Clean(session) });
        aftermath.call(self.seat.call());
    }

    /// Ends a session: in the background while its runtime lives, at once when
    /// that is gone. Its place stays taken until it has ended.
    fn end(&mut self, place: PlaceId, session: S, ending: Ending, aftermath: &mut Aftermath<S>) {
        if self.seat.is_home(self.places.home(place)) {
            self.places.move_to(place, Stage::Closing(ending));
            self.errands.push_back(Errand { place, work: Work::Close(session) });
            aftermath.call(self.seat.call());
        } else {
            self.places.move_to(place, Stage::Closing(Ending::RuntimeLost));
            aftermath.abort(place, session);
        }
    }

    fn place_freed(&mut self, aftermath: &mut Aftermath<S>) {
        if self.places.taken() == 0 {
            let closers = std::mem::take(&mut self.closers);
            aftermath.wake_all(closers.into_iter().map(|(_, waker)| waker));
        }
        self.call_if_nothing_is_left(aftermath);
        self.call_if_opening_wanted(aftermath);
    }

    /// Lets the janitor leave.
    fn call_if_nothing_is_left(&mut self, aftermath: &mut Aftermath<S>) {
        if self.places.taken() == 0 && self.queue.is_empty() {
            aftermath.call(self.seat.call());
        }
    }

    fn call_for_expiry(&mut self, aftermath: &mut Aftermath<S>) {
        if self.next_expiry().is_some_and(|at| self.seat.sleeps_beyond(at)) {
            aftermath.call(self.seat.call());
        }
    }
}

// ===== opening =====

impl<S> Ledger<S> {
    /// True if one more opening has somebody to serve and room to do it,
    /// whatever the time.
    fn wants_opening(&self) -> bool {
        let tally = self.places.tally();
        let connecting = if self.outage.is_over() { self.limits.max_connecting } else { 1 };
        self.open
            && self.pause.is_none()
            && self.places.taken() < self.limits.max_size
            && tally.opening < connecting
            && (self.queue.len() > tally.opening || self.stock_is_low() || self.probe)
    }

    fn stock_is_low(&self) -> bool {
        let tally = self.places.tally();
        self.idle.len() + tally.opening < self.limits.min_idle && !self.outage.is_rejected()
    }

    fn call_if_opening_wanted(&mut self, aftermath: &mut Aftermath<S>) {
        if self.wants_opening() {
            aftermath.call(self.seat.call());
        }
    }

    fn start_openings(&mut self, now: Instant) {
        while self.wants_opening() && self.outage.holds_back_until(now).is_none() {
            let home = self.seat.home();
            let place = self.places.take(now, home);
            self.probe = false;
            self.errands.push_back(Errand { place, work: Work::Open });
        }
        self.openings_changed(now);
    }

    /// Keeps the stopwatch that tells how long a waiter waited for openings.
    fn openings_changed(&mut self, now: Instant) {
        let tally = self.places.tally();
        let held_back = !self.outage.is_over() && self.places.taken() < self.limits.max_size;
        self.opening_time.run(now, tally.opening > 0 || held_back);
    }
}

// ===== the janitor =====

impl<S> Ledger<S> {
    /// Everything that is due.
    pub(crate) fn round(&mut self, now: Instant, aftermath: &mut Aftermath<S>) -> Round<S> {
        self.expire_waiters(now, aftermath);
        self.expire_idle(now, aftermath);
        self.start_openings(now);
        self.seat.looked(now);
        let over = self.places.taken() == 0
            && self.queue.is_empty()
            && !(self.open && self.pause.is_none() && (self.stock_is_low() || self.probe));
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
    pub(crate) fn janitor_lost(&mut self, home: Home, aftermath: &mut Aftermath<S>) {
        if !self.seat.is_home(home) {
            return;
        }
        self.seat.leave();
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::RuntimeLost, aftermath);
        }
        for errand in std::mem::take(&mut self.errands) {
            match errand.work {
                Work::Open => unreachable!("an opening goes out in the round that decides on it"),
                Work::Clean(session) | Work::Close(session) => {
                    self.end(errand.place, session, Ending::RuntimeLost, aftermath);
                }
            }
        }
        aftermath.wake_all(self.queue.take_wakers());
    }

    fn expire_waiters(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        let wakers = self.queue.expire(now);
        self.counters.timed_out += wakers.len() as u64;
        aftermath.wake_all(wakers);
    }

    fn expire_idle(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
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
    fn next_expiry(&self) -> Option<Instant> {
        if self.idle.len() <= self.limits.min_idle {
            return None;
        }
        self.idle.oldest()?.since.checked_add(self.limits.idle_timeout?)
    }

    fn next_event(&self, now: Instant) -> Option<Instant> {
        let retry = if self.wants_opening() { self.outage.holds_back_until(now) } else { None };
        [self.queue.earliest(), self.next_expiry(), retry].into_iter().flatten().min()
    }
}

// ===== control =====

impl<S> Ledger<S> {
    /// Lends nothing from now on, and opens nothing.
    pub(crate) fn pause(&mut self, pause: Pause, aftermath: &mut Aftermath<S>) {
        self.pause = Some(pause);
        if pause == Pause::Wait {
            return;
        }
        while let Some(waker) = self.queue.serve_first(|_| Verdict::Paused) {
            self.counters.refused_paused += 1;
            aftermath.wake_all([waker]);
        }
    }

    /// Lends again: what is idle to those who wait, in their order.
    pub(crate) fn resume(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        self.pause = None;
        while !self.queue.is_empty() {
            let Some(Idle { place, session, .. }) = self.idle.pop() else { break };
            let waker = self.hand_over(now, place, session);
            aftermath.wake_all(waker);
        }
        self.call_if_opening_wanted(aftermath);
    }

    /// Sessions there are and that are not being ended.
    fn staying(&self) -> usize {
        self.places.taken() - self.places.tally().closing
    }

    /// Allows more sessions, or fewer: surplus idle ones end now, others when they
    /// come back.
    pub(crate) fn resize(&mut self, max_size: usize, aftermath: &mut Aftermath<S>) {
        self.limits.max_size = max_size;
        while self.staying() > max_size || self.idle.len() > self.limits.max_idle() {
            let Some(Idle { place, session, .. }) = self.idle.pop_oldest() else { break };
            self.end(place, session, Ending::Surplus, aftermath);
        }
        self.call_if_opening_wanted(aftermath);
    }
}

// ===== closing =====

impl<S> Ledger<S> {
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Nothing is lent from now on: waiters fail, idle sessions end, leased ones
    /// end when they come back.
    pub(crate) fn close(&mut self, aftermath: &mut Aftermath<S>) {
        if !self.open {
            return;
        }
        self.open = false;
        self.before_close = Some(Box::new(self.counters));
        while let Some(waker) = self.queue.serve_first(|_| Verdict::Closed) {
            self.counters.refused_closed += 1;
            aftermath.wake_all([waker]);
        }
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::PoolClosed, aftermath);
        }
        aftermath.call(self.seat.call());
    }

    /// True if every session is gone; otherwise `waker` is woken when that is so.
    /// Each closer has a number of its own, and one waker.
    pub(crate) fn is_drained(
        &mut self,
        closer: u64,
        waker: Waker,
        aftermath: &mut Aftermath<S>,
    ) -> bool {
        let drained = self.places.taken() == 0;
        let known = self.closers.iter_mut().find(|(number, _)| *number == closer);
        match known {
            _ if drained => aftermath.discard(waker),
            Some((_, old)) => aftermath.discard(std::mem::replace(old, waker)),
            None => self.closers.push((closer, waker)),
        }
        drained
    }

    /// A closer's deadline passed, or it was dropped.
    pub(crate) fn stop_waiting(&mut self, closer: u64, aftermath: &mut Aftermath<S>) {
        if let Some(at) = self.closers.iter().position(|(number, _)| *number == closer) {
            aftermath.discard(self.closers.swap_remove(at).1);
        }
    }
}

// ===== insight =====

impl<S> Ledger<S> {
    pub(crate) fn status(&self, now: Instant) -> Status {
        let tally = self.places.tally();
        Status {
            max_size: self.limits.max_size,
            opening: tally.opening,
            idle: self.idle.len(),
            leased: tally.leased,
            cleaning: tally.cleaning,
            closing: tally.closing,
            waiters: self.queue.len(),
            oldest_waiter: self.queue.oldest().map(|since| now.saturating_duration_since(since)),
            closed: !self.open,
            paused: self.pause.is_some(),
            generation: self.places.generation(),
            counters: self.counters,
        }
    }

    /// Who has held a session the longest, at most so many.
    pub(crate) fn holders(&self, now: Instant, most: usize) -> Vec<Holder> {
        let mut borrowers: Vec<_> = self.places.borrowers().collect();
        borrowers.sort_unstable_by_key(|(_, borrower)| borrower.since);
        borrowers.truncate(most);
        let holder = |(session, Borrower { site, task, since })| {
            let held = now.saturating_duration_since(since);
            Holder { session, site, held, task }
        };
        borrowers.into_iter().map(holder).collect()
    }

    /// How many sessions this task has.
    pub(crate) fn held_by(&self, task: Option<tokio::task::Id>) -> usize {
        let holds = |(_, other): &(u64, Borrower)| task.is_some() && other.task == task;
        self.places.borrowers().filter(holds).count()
    }
}
