//! What callers do.

use std::time::Duration;

use sessionpool_core::event::Ending;
use sessionpool_core::{Pause, TryAcquireError};
use sessionpool_testkit::Verb;

use super::{Answer, Model, Reached, Stage, Verdict, Waiting};
use crate::case::{Plan, State};
use crate::trace::Outcome;

impl Model {
    pub(crate) fn set_plan(&mut self, verb: Verb, plan: Plan) {
        self.plans.insert(verb, plan);
    }

    /// The answer to an acquire; what was `seen` decides where either is right.
    pub(crate) fn acquire(
        &mut self,
        waiter: u32,
        limit: Duration,
        class: Option<usize>,
        seen: Answer,
    ) -> Answer {
        self.counters.requested += 1;
        if let Some(session) = self.lend(class) {
            return Answer::Lent(session);
        }
        if self.is_closed() {
            self.counters.refused_closed += 1;
            return Answer::Closed;
        }
        if self.pause == Some(Pause::Fail) {
            self.counters.refused_paused += 1;
            return Answer::Paused;
        }
        if let Some(fault) = self.hopeless(seen) {
            self.counters.failed += 1;
            return Answer::Failed(fault);
        }
        let has_room = self.has_room(class);
        if limit.is_zero() {
            self.counters.timed_out += 1;
            if has_room {
                self.check_for_the_next();
            }
            return Answer::TimedOut;
        }
        // Those whose kind of work has all it may do not count against others.
        let before = if has_room { self.servable() } else { self.queue.len() };
        if before >= self.settings.max_waiters {
            self.counters.queue_full += 1;
            if has_room {
                self.check_for_the_next();
            }
            return Answer::QueueFull;
        }
        let waiting = self.waiting(waiter, limit, class);
        self.queue.push_back(waiting);
        self.serve_from_stock();
        Answer::Queued
    }

    pub(crate) fn try_acquire(&mut self) -> Result<u64, TryAcquireError> {
        match self.lend(None) {
            Some(session) => {
                self.counters.requested += 1;
                Ok(session)
            }
            None if self.is_closed() => Err(TryAcquireError::Closed),
            None => {
                self.check_for_the_next();
                Err(TryAcquireError::NoneIdle)
            }
        }
    }

    /// One that begins to wait now.
    pub(crate) fn waiting(&self, waiter: u32, limit: Duration, class: Option<usize>) -> Waiting {
        let full = class.map_or(Duration::ZERO, |class| self.shares[class].full_time);
        let marks = (self.opening_time, self.checking_time, full);
        Waiting { waiter, since: self.now, limit, class, marks }
    }

    /// What a waiter that is polled learns; `None` is to wait on.
    pub(crate) fn poll(&mut self, waiter: u32) -> Option<(Waiting, Verdict)> {
        self.decided.remove(&waiter)
    }

    pub(crate) fn is_decided(&self, waiter: u32) -> bool {
        self.decided.contains_key(&waiter)
    }

    /// A waiter has been dropped.
    pub(crate) fn leave(&mut self, waiter: u32) {
        match self.poll(waiter) {
            Some((_, Verdict::Granted(session))) => self.give_back(session, State::Clean),
            Some(_) => {}
            None => {
                self.queue.retain(|waiting| waiting.waiter != waiter);
                self.counters.cancelled += 1;
            }
        }
    }

    /// A lease has ended.
    pub(crate) fn give_back(&mut self, session: u64, state: State) {
        self.returned(session, |this| match state {
            State::Clean => this.settle(session),
            State::Dirty if this.is_closed() => this.end(session, Ending::PoolClosed),
            State::Dirty if this.is_stale(session) => this.end(session, Ending::Stale),
            State::Dirty => this.move_to(session, Stage::Cleaning(None)),
            State::Broken => this.end(session, Ending::Broken),
            State::Lost => this.lost(session, Ending::Broken),
        });
    }

    /// `Lease::release` has begun.
    pub(crate) fn release(&mut self, session: u64, state: State) {
        match state {
            State::Dirty => self.move_to(session, Stage::Releasing(None)),
            State::Clean | State::Broken | State::Lost => self.give_back(session, state),
        }
    }

    /// The future of `Lease::release` is dropped.
    pub(crate) fn abandon_release(&mut self, session: u64) {
        self.move_to(session, Stage::Abandoned);
    }

    /// When `Lease::release` of that session has its answer, if it has yet to
    /// give it.
    pub(crate) fn release_ends(&self, session: u64) -> Option<Duration> {
        match self.sessions.get(&session) {
            Some(Stage::Releasing(Some(running))) => Some(running.until),
            _ => None,
        }
    }

    /// What each release was told since the last time.
    pub(crate) fn take_released(&mut self) -> Vec<(u64, Outcome)> {
        std::mem::take(&mut self.released)
    }

    pub(crate) fn close(&mut self) {
        if self.is_closed() {
            return;
        }
        self.before_close = Some(self.counters);
        while let Some(first) = self.queue.pop_front() {
            self.counters.refused_closed += 1;
            self.decide(first, Verdict::Closed);
        }
        for idle in std::mem::take(&mut self.stock) {
            self.end(idle.session, Ending::PoolClosed);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.before_close.is_some()
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.taken() == 0
    }

    pub(crate) fn reached(&self) -> Reached {
        Reached { counters: self.counters, ..self.reached }
    }
}
