//! Who gets which session.

use std::time::Duration;

use sessionpool_core::event::Ending;
use sessionpool_core::{Counters, Fault};

use super::{Idle, Model, Stage, Verdict};
use crate::trace::{Call, Outcome};

impl Model {
    /// The session that came back last is lent first, of those that need not be checked,
    /// and to nobody before those who wait.
    pub(super) fn lend(&mut self, class: Option<usize>) -> Option<u64> {
        if self.pause.is_some() || self.servable() > 0 || !self.has_room(class) {
            return None;
        }
        let at = self.newest_that_may_be_lent()?;
        let Idle { session, .. } = self.stock.remove(at);
        self.lent(session, class);
        Some(session)
    }

    fn lent(&mut self, session: u64, class: Option<usize>) {
        self.counters.acquired += 1;
        self.used(session);
        self.lent_for(session, class);
        self.move_to(session, Stage::Leased);
    }

    /// A lease ends; `then` is what becomes of its session. Its kind of work has room
    /// before that, and whoever waited for that is served after it.
    pub(super) fn returned(&mut self, session: u64, then: impl FnOnce(&mut Self)) {
        self.counters.returned += 1;
        let has_room = self.lent_no_more(session);
        then(self);
        if has_room {
            self.serve_from_stock();
        }
    }

    /// A clean session goes to the first in line, or to stock.
    pub(super) fn settle(&mut self, session: u64) {
        self.settle_since(session, self.now);
    }

    pub(super) fn settle_since(&mut self, session: u64, since: Duration) {
        if self.is_closed() {
            return self.end(session, Ending::PoolClosed);
        }
        if self.staying() > self.settings.max_size {
            return self.end(session, Ending::Surplus);
        }
        if self.is_stale(session) {
            return self.end(session, Ending::Stale);
        }
        if self.is_worn(session) {
            return self.end(session, Ending::Worn);
        }
        let next = self.next_in_line();
        if let (Some(next), None) = (next, self.pause) {
            return self.grant(next, session);
        }
        let is_surplus = self.stock.len() >= self.settings.max_idle && next.is_none();
        if is_surplus && !self.room_was_made_for(session) {
            return self.end(session, Ending::Surplus);
        }
        self.sessions.remove(&session);
        let at = self.stock.partition_point(|other| other.since <= since);
        self.stock.insert(at, Idle { session, since, alive: self.now });
    }

    /// An idle session that ends at the very instant another one comes may make room for
    /// it. It did, if that one was not told to be too many.
    fn room_was_made_for(&self, session: u64) -> bool {
        let too_many = self.told_of(session) == Some((self.now, Ending::Surplus));
        !too_many && self.stock.iter().any(|idle| self.ends_now(idle.session))
    }

    /// Who is next is served.
    fn grant(&mut self, next: usize, session: u64) {
        let Some(waiting) = self.queue.remove(next) else { return };
        self.reached.passed_over += u64::from(next > 0);
        self.lent(session, waiting.class);
        self.decide(waiting, Verdict::Granted(session));
    }

    /// Those who wait get what is idle, and have it checked where that is needed, one
    /// session for each.
    pub(super) fn serve_from_stock(&mut self) {
        if self.pause.is_some() {
            return;
        }
        while let (Some(next), Some(at)) = (self.next_in_line(), self.newest_that_may_be_lent()) {
            let Idle { session, .. } = self.stock.remove(at);
            self.grant(next, session);
        }
        while self.servable() > self.serving_checks() {
            let Some(at) = self.newest() else { return };
            let idle = self.stock.remove(at);
            self.check(idle, true);
        }
    }

    /// Who did not wait and found only sessions to be checked has one checked for the next.
    pub(super) fn check_for_the_next(&mut self) {
        if self.pause.is_none() && self.checking() == 0 {
            if let Some(at) = self.newest() {
                let idle = self.stock.remove(at);
                self.check(idle, false);
            }
        }
    }

    fn check(&mut self, idle: Idle, serves: bool) {
        self.counters.checked += 1;
        self.move_to(idle.session, Stage::Checking { idle, serves, call: None });
    }

    pub(super) fn checked(&mut self, idle: Idle, outcome: Outcome) {
        let Idle { session, since, alive } = idle;
        match outcome {
            Outcome::Well => self.settle_since(session, since),
            failure => self.did_not_answer(session, alive, fault_of(failure)),
        }
        self.serve_from_stock();
    }

    /// Where that ends sessions, it ended those known to be alive no later, too.
    fn did_not_answer(&mut self, session: u64, alive: Duration, fault: Fault) {
        self.end(session, Ending::Dead);
        self.met(fault, self.is_stale(session));
        if fault.ends_session() {
            self.end_idle(Ending::Dead, |idle| idle.alive <= alive);
        }
    }

    /// Idle sessions for which that is true end, but for those that the pool has ended for
    /// another reason at this very instant.
    pub(super) fn end_idle(&mut self, why: Ending, is_meant: impl Fn(&Idle) -> bool) {
        let stock = std::mem::take(&mut self.stock).into_iter();
        let (ended, kept): (Vec<_>, _) = stock.partition(|idle| {
            let told = self.told_of(idle.session).filter(|_| self.ends_now(idle.session));
            is_meant(idle) && told.is_none_or(|(_, other)| other == why)
        });
        self.stock = kept;
        ended.iter().for_each(|idle| self.end(idle.session, why));
    }

    /// The place in stock of the session that came back last.
    fn newest(&self) -> Option<usize> {
        self.stock.iter().rposition(|idle| !self.ends_now(idle.session))
    }

    fn newest_that_may_be_lent(&self) -> Option<usize> {
        let may_be_lent = |idle: &Idle| {
            let silent = self.now - idle.alive;
            let is_checked = self.settings.check_after_idle.is_some_and(|limit| silent >= limit);
            !is_checked && !self.ends_now(idle.session)
        };
        self.stock.iter().rposition(may_be_lent)
    }

    /// True for an idle session that the pool ends at this very instant, and does nothing
    /// else with before.
    pub(super) fn ends_now(&self, session: u64) -> bool {
        let ends = self.told_of(session).is_some_and(|(at, _)| at == self.now);
        ends && !self.told.contains(&session)
            && !self.calls.contains(&(self.now, Call::Check(session)))
    }

    /// How many checks will serve somebody.
    pub(super) fn serving_checks(&self) -> usize {
        self.count(|stage| matches!(stage, Stage::Checking { serves: true, .. }))
    }

    pub(super) fn close_of(&mut self, why: Ending, outcome: Outcome) {
        let Counters { closed, close_failed, .. } = &mut self.counters;
        *match why {
            Ending::Expired => &mut closed.expired,
            Ending::Surplus => &mut closed.surplus,
            Ending::Broken => &mut closed.broken,
            Ending::Unclean => &mut closed.unclean,
            Ending::PoolClosed => &mut closed.pool_closed,
            Ending::Stale => &mut closed.stale,
            Ending::Worn => &mut closed.worn,
            Ending::Dead => &mut closed.dead,
            why => panic!("no session ends like that here: {why:?}"),
        } += 1;
        *close_failed += u64::from(outcome != Outcome::Well);
    }
}

/// What a check that did not end well means: one without an answer is a session lost.
const fn fault_of(failure: Outcome) -> Fault {
    match failure {
        Outcome::Badly(fault) => fault,
        Outcome::CutOff => Fault::SessionLost,
        Outcome::Panicked | Outcome::Well => Fault::Other,
    }
}
