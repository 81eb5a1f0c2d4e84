//! What the trace says, and whether that is allowed.

use std::time::Duration;

use sessionpool_core::Fault;
use sessionpool_testkit::Verb;

use super::outage::is_worth_another_try;
use super::{Model, Running, Stage, Verdict, Why};
use crate::case::{End, Plan, State};
use crate::trace::{Call, Entry, Event, Outcome, Who};

impl Model {
    /// Reads what the pool did until now, when it has nothing left to do.
    pub(crate) fn read(&mut self, trace: &[Entry], now: Duration) {
        self.closings = trace.iter().filter_map(Entry::closing).collect();
        self.begun = 0;
        self.entitled = self.room_to_open();
        for entry in trace {
            self.pass(entry.at);
            self.entitled = self.entitled.max(self.begun + self.room_to_open());
            self.happened(entry.event);
            self.entitled = self.entitled.max(self.begun + self.room_to_open());
        }
        self.pass(now);
        if let Some((at, what)) = self.due() {
            assert!(at > now, "at {at:?} {what}; nothing happened by {now:?}");
        }
    }

    fn happened(&mut self, event: Event) {
        if let Event::Woken(who) = event {
            return self.woken(who);
        }
        assert_eq!(self.to_wake, [], "these waiters have to be woken before {event:?}");
        match event {
            Event::Began(Call::Open(opening)) => self.opening_began(opening),
            Event::Began(Call::Release(session)) => self.cleaning_began(session),
            Event::Began(Call::Close(session)) => self.closing_began(session),
            Event::Opened { opening, session, clean } => self.opened(opening, session, clean),
            Event::Ended(Call::Open(opening), outcome) => self.opening_failed(opening, outcome),
            Event::Ended(Call::Release(session), outcome) => self.cleaning_ended(session, outcome),
            Event::Ended(Call::Close(session), outcome) => self.closing_ended(session, outcome),
            Event::Aborted(session) => panic!("session {session} is aborted, on a living runtime"),
            Event::Woken(_) => {}
        }
    }

    fn woken(&mut self, who: Who) {
        let Who::Waiter(waiter) = who else { return };
        if let Some(first) = self.to_wake.pop_front() {
            assert_eq!(waiter, first, "the wrong waiter is woken");
            return;
        }
        let late = self.queue.iter().position(|waiting| waiting.deadline() <= self.now);
        let waiting = late.and_then(|at| self.queue.remove(at));
        let waiting = waiting.unwrap_or_else(|| panic!("waiter {waiter} is woken for nothing"));
        assert_eq!(waiter, waiting.waiter, "the wrong waiter times out");
        self.counters.timed_out += 1;
        self.decided.insert(waiter, (waiting, Verdict::TimedOut));
    }

    fn opening_began(&mut self, opening: u32) {
        self.begun += 1;
        assert!(self.begun <= self.entitled, "opening {opening} is not needed, or not yet");
        let running = self.call(Verb::Open, self.settings.connect_timeout);
        self.openings.insert(opening, running);
        assert!(self.taken() <= self.settings.max_size, "opening {opening} is beyond max_size");
        assert!(self.opening() <= self.settings.max_connecting, "max_connecting are under way");
        self.outage.latest = self.outage.latest.min(self.now);
    }

    fn opened(&mut self, opening: u32, session: u64, clean: bool) {
        self.end_opening(opening, Outcome::Well);
        if self.stale_openings.remove(&opening) {
            self.stale.insert(session);
        }
        self.move_to(session, Stage::Refused(None));
        if !clean {
            return;
        }
        self.counters.opened += 1;
        self.outage.succeeded();
        self.settle(session);
    }

    fn opening_failed(&mut self, opening: u32, outcome: Outcome) {
        self.end_opening(opening, outcome);
        self.stale_openings.remove(&opening);
        self.no_session(match outcome {
            Outcome::Badly(fault) => fault,
            Outcome::CutOff => Fault::Transient,
            Outcome::Well | Outcome::Panicked => Fault::Other,
        });
    }

    fn end_opening(&mut self, opening: u32, outcome: Outcome) {
        let running = self.openings.remove(&opening).expect("only what began ends");
        running.ends(outcome, self.now);
    }

    fn no_session(&mut self, fault: Fault) {
        self.counters.open_failed += 1;
        self.outage.failed(fault, self.now);
        if is_worth_another_try(fault) {
            return;
        }
        while let Some(first) = self.queue.pop_front() {
            self.counters.failed += 1;
            self.decide(first, Verdict::Failed(fault));
        }
    }

    fn cleaning_began(&mut self, session: u64) {
        let running = Some(self.call(Verb::Release, self.settings.release_timeout));
        match self.sessions.get_mut(&session) {
            Some(Stage::Releasing(began @ None) | Stage::Cleaning(began @ None)) => {
                *began = running;
            }
            stage => panic!("session {session} is cleaned: {stage:?}"),
        }
    }

    fn cleaning_ended(&mut self, session: u64, outcome: Outcome) {
        match self.sessions.get(&session).copied() {
            Some(Stage::Cleaning(Some(running))) => {
                running.ends(outcome, self.now);
                self.cleaned(session, outcome);
            }
            Some(Stage::Releasing(Some(running))) => {
                assert_eq!(outcome, running.seen_at(self.now), "release of session {session}");
                self.released.push((session, outcome));
                self.counters.returned += 1;
                self.cleaned(session, outcome);
            }
            Some(Stage::Abandoned) => self.give_back(session, State::Dirty),
            stage => panic!("cleaning of session {session} ended: {stage:?}"),
        }
    }

    fn cleaned(&mut self, session: u64, outcome: Outcome) {
        match outcome {
            Outcome::Well => self.settle(session),
            _ => self.end(session, Why::Unclean),
        }
    }

    fn closing_began(&mut self, session: u64) {
        if self.stock.first().is_some_and(|oldest| oldest.session == session) {
            let at = self.expiry().unwrap_or(Duration::MAX);
            assert!(at <= self.now, "session {session} expires, with {} idle", self.stock.len());
            self.expire();
        }
        let running = Some(self.call(Verb::Close, self.settings.close_timeout));
        match self.sessions.get_mut(&session) {
            Some(Stage::Closing(_, began @ None) | Stage::Refused(began @ None)) => {
                *began = running;
            }
            stage => panic!("session {session} is closed: {stage:?}"),
        }
    }

    fn closing_ended(&mut self, session: u64, outcome: Outcome) {
        match self.sessions.remove(&session) {
            Some(Stage::Closing(why, Some(running))) => {
                running.ends(outcome, self.now);
                self.gone(why, outcome);
            }
            Some(Stage::Refused(Some(running))) => {
                running.ends(outcome, self.now);
                self.no_session(Fault::Other);
            }
            stage => panic!("closing of session {session} ended: {stage:?}"),
        }
    }

    fn gone(&mut self, why: Why, outcome: Outcome) {
        let closed = &mut self.counters.closed;
        *match why {
            Why::Expired => &mut closed.expired,
            Why::Surplus => &mut closed.surplus,
            Why::Broken => &mut closed.broken,
            Why::Unclean => &mut closed.unclean,
            Why::PoolClosed => &mut closed.pool_closed,
            Why::Stale => &mut closed.stale,
        } += 1;
        if outcome != Outcome::Well {
            self.counters.close_failed += 1;
        }
    }

    /// A call begins, as the backend was told to answer it.
    fn call(&self, verb: Verb, limit: Duration) -> Running {
        let Plan { takes, ends } = self.plans.get(&verb).copied().unwrap_or(Plan::SUCCEED);
        let (takes, outcome) = match ends {
            End::Never => (Duration::MAX, Outcome::CutOff),
            End::Well | End::Unclean => (takes, Outcome::Well),
            End::Badly(fault) => (takes, Outcome::Badly(fault)),
            End::Panicking => (takes, Outcome::Panicked),
        };
        let own_end = (self.now.saturating_add(takes), outcome);
        if takes > limit {
            Running { until: self.now + limit, outcome: Outcome::CutOff, own_end }
        } else {
            Running { until: own_end.0, outcome, own_end }
        }
    }
}

impl Running {
    fn ends(self, outcome: Outcome, now: Duration) {
        assert_eq!((outcome, now), (self.outcome, self.until), "how and when a call ended");
    }

    /// Polled later than its time limit, it may have come to its own end.
    fn seen_at(self, now: Duration) -> Outcome {
        let (until, outcome) = self.own_end;
        if until <= now { outcome } else { self.outcome }
    }
}

impl Entry {
    fn closing(&self) -> Option<(Duration, u64)> {
        match self.event {
            Event::Began(Call::Close(session)) => Some((self.at, session)),
            _ => None,
        }
    }
}
