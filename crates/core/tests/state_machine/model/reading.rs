//! What the trace says, and whether that is allowed.

use std::time::Duration;

use sessionpool_core::Fault;
use sessionpool_core::event::Ending;
use sessionpool_testkit::Verb;

use super::outage::is_worth_another_try;
use super::{Idle, Model, Running, Stage, Verdict, Waiting};
use crate::case::{End, Plan, State};
use crate::trace::{Call, Entry, Event, Outcome, Who};

impl Model {
    /// Reads what the pool did until now, when it has nothing left to do.
    pub(crate) fn read(&mut self, trace: &[Entry], now: Duration) {
        self.calls = trace.iter().filter_map(Entry::call).collect();
        self.begun = 0;
        self.entitled = 0;
        self.look();
        for entry in trace {
            self.pass(entry.at);
            self.look();
            self.happened(entry.event);
            self.look();
        }
        self.pass(now);
        self.failed_nobody();
        if let Some((at, what)) = self.due() {
            assert!(at > now, "at {at:?} {what}; nothing happened by {now:?}");
        }
        self.calls.clear();
    }

    fn happened(&mut self, event: Event) {
        if let Event::Woken(who) = event {
            return self.woken(who);
        }
        self.failed_nobody();
        let is_wake = self.to_wake.is_empty();
        assert!(is_wake, "{:?} have to be woken before {event:?}", self.to_wake);
        match event {
            Event::Ending(number, why) => self.is_told_to_end(self.numbered(number), why),
            Event::Opening(opening) => self.opening_is_told(opening),
            Event::Began(Call::Open(opening)) => self.opening_began(opening),
            Event::Began(Call::Check(session)) => self.check_began(session),
            Event::Ended(Call::Check(session), outcome) => self.check_ended(session, outcome),
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
        if !self.to_wake.contains(&waiter) {
            self.failed_fast();
        }
        if self.to_wake.remove(&waiter) {
            return;
        }
        assert!(self.to_wake.is_empty(), "waiter {waiter} is woken before {:?}", self.to_wake);
        let is_late = |it: &Waiting| it.waiter == waiter && it.deadline() <= self.now;
        let late = self.queue.iter().position(is_late);
        let waiting = late.and_then(|at| self.queue.remove(at));
        let waiting = waiting.unwrap_or_else(|| panic!("waiter {waiter} is woken for nothing"));
        self.counters.timed_out += 1;
        self.decided.insert(waiter, (waiting, Verdict::TimedOut));
    }

    fn opening_is_told(&mut self, opening: u64) {
        self.begun += 1;
        self.was_asked = false;
        assert!(self.begun <= self.entitled, "opening {opening} is not needed, or not yet");
        self.openings.insert(opening, None);
        assert!(self.taken() <= self.settings.max_size, "opening {opening} is beyond max_size");
        assert!(self.opening() <= self.settings.max_connecting, "max_connecting are under way");
        self.outage.latest = self.outage.latest.min(self.now);
    }

    fn opening_began(&mut self, opening: u64) {
        let running = self.call(Verb::Open, self.settings.connect_timeout);
        match self.openings.get_mut(&opening) {
            Some(call @ None) => *call = Some(running),
            call => panic!("opening {opening} begins: {call:?}"),
        }
        if !self.stale_openings.contains(&opening) {
            self.successors.insert(opening, self.now);
        }
    }

    fn opened(&mut self, opening: u64, session: u64, clean: bool) {
        self.end_opening(opening, Outcome::Well);
        if self.stale_openings.remove(&opening) {
            self.stale.insert(session);
        }
        self.move_to(session, Stage::Refused(opening, None));
        if !clean {
            return;
        }
        self.counters.opened += 1;
        self.reached.recovered += u64::from(self.outage_has_lasted());
        self.outage.succeeded();
        self.is_new(session);
        self.settle(session);
        self.opening_ended(opening, true);
    }

    fn opening_failed(&mut self, opening: u64, outcome: Outcome) {
        self.end_opening(opening, outcome);
        let is_stale = self.stale_openings.remove(&opening);
        let fault = match outcome {
            Outcome::Badly(fault) => fault,
            Outcome::CutOff => Fault::Transient,
            Outcome::Well | Outcome::Panicked => Fault::Other,
        };
        self.no_session(opening, fault, is_stale);
    }

    fn end_opening(&mut self, opening: u64, outcome: Outcome) {
        let running = self.openings.remove(&opening).flatten();
        running.expect("only what began ends").ends(outcome, self.now);
    }

    fn no_session(&mut self, opening: u64, fault: Fault, is_stale: bool) {
        self.counters.open_failed += 1;
        self.outage.failed(fault, self.now);
        self.reached.lost_by_opening += u64::from(self.met(fault, is_stale));
        self.opening_ended(opening, false);
        match is_worth_another_try(fault) {
            true => self.fail_fast(),
            false => self.fail_all(fault),
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
                self.returned(session, |this| this.cleaned(session, outcome));
            }
            Some(Stage::Abandoned) => self.give_back(session, State::Dirty),
            stage => panic!("cleaning of session {session} ended: {stage:?}"),
        }
    }

    fn cleaned(&mut self, session: u64, outcome: Outcome) {
        match outcome {
            Outcome::Well => self.settle(session),
            Outcome::Badly(Fault::BackendLost) => self.lost(session, Ending::Unclean),
            _ => self.end(session, Ending::Unclean),
        }
    }

    fn check_began(&mut self, session: u64) {
        let running = self.call(Verb::Check, self.settings.check_timeout);
        match self.sessions.get_mut(&session) {
            Some(Stage::Checking { call: call @ None, .. }) => *call = Some(running),
            stage => panic!("session {session} is checked: {stage:?}"),
        }
    }

    fn check_ended(&mut self, session: u64, outcome: Outcome) {
        match self.sessions.get(&session).copied() {
            Some(Stage::Checking { idle, call: Some(running), .. }) => {
                running.ends(outcome, self.now);
                self.checked(idle, outcome);
            }
            stage => panic!("the check of session {session} ended: {stage:?}"),
        }
    }

    /// The pool tells its listener that it ends a session, and why: one of those that end,
    /// or an idle one whose time has come.
    fn is_told_to_end(&mut self, session: u64, why: Ending) {
        if let Some(at) = self.stock.iter().position(|idle| idle.session == session) {
            let idle = self.stock.remove(at);
            match why {
                Ending::Expired => self.check_expiry(at, idle),
                Ending::Worn => assert!(self.is_worn(session), "session {session} is not worn"),
                _ => panic!("idle session {session} ends: {why:?}"),
            }
            self.end(session, why);
        }
        assert!(self.told.insert(session), "session {session} is told to end twice");
        match self.sessions.get(&session) {
            Some(Stage::Closing(reason, None)) => assert_eq!(why, *reason, "of {session}"),
            stage => panic!("session {session} is told to end, {why:?}: {stage:?}"),
        }
    }

    fn check_expiry(&self, at: usize, Idle { session, since, .. }: Idle) {
        let idle = self.settings.idle_timeout.is_some_and(|limit| since + limit <= self.now);
        let most = self.most_idle;
        let may = idle && at == 0 && most > self.settings.min_idle;
        assert!(may, "session {session} expires, unused since {since:?}, of {most} idle");
    }

    fn closing_began(&mut self, session: u64) {
        let running = Some(self.call(Verb::Close, self.settings.close_timeout));
        match self.sessions.get(&session) {
            Some(Stage::Closing(why, None)) => {
                let why = *why;
                assert!(self.told.contains(&session), "nobody was told that {session} ends");
                if why == Ending::Worn {
                    self.retires(session);
                }
                self.move_to(session, Stage::Closing(why, running));
            }
            Some(Stage::Refused(opening, None)) => {
                let opening = *opening;
                self.move_to(session, Stage::Refused(opening, running));
            }
            stage => panic!("session {session} is closed: {stage:?}"),
        }
    }

    fn closing_ended(&mut self, session: u64, outcome: Outcome) {
        match self.sessions.remove(&session) {
            Some(Stage::Closing(why, Some(running))) => {
                running.ends(outcome, self.now);
                self.close_of(why, outcome);
                self.wear.remove(&session);
            }
            Some(Stage::Refused(opening, Some(running))) => {
                running.ends(outcome, self.now);
                self.no_session(opening, Fault::Other, self.is_stale(session));
            }
            stage => panic!("closing of session {session} ended: {stage:?}"),
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
    fn call(&self) -> Option<(Duration, Call)> {
        match self.event {
            Event::Began(call) => Some((self.at, call)),
            _ => None,
        }
    }
}
