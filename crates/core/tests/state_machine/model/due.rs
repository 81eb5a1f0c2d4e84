//! What has to happen.

use std::time::Duration;

use super::outage::is_worth_another_try;
use super::{Model, Stage};

/// The resolution of timers.
pub(super) const TICK: Duration = Duration::from_millis(1);

impl Model {
    /// What has to happen next, and when at the latest.
    pub(super) fn due(&self) -> Option<(Duration, String)> {
        let wake = self.to_wake.first().map(|who| (self.now, format!("waiter {who} is woken")));
        let expiry =
            self.expiry().map(|at| (at.max(self.now), "an idle session expires".to_owned()));
        let retirement =
            self.retirement().map(|at| (at.max(self.now), "an idle session is old".to_owned()));
        let opening = self
            .wants_opening(0)
            .then(|| (self.outage.latest.max(self.now), "an opening begins".to_owned()));
        let waits = self.queue.iter().map(|waiting| {
            (waiting.deadline(), format!("the time of waiter {} is over", waiting.waiter))
        });
        let openings = self.openings.iter().map(|(opening, call)| {
            let at = call.map_or(self.now, |running| running.until);
            (at, format!("opening {opening} goes on"))
        });
        let calls = self.sessions.iter().filter_map(|(session, stage)| {
            self.call_due(*session, stage).map(|at| (at, format!("{stage:?} of {session} goes on")))
        });
        let singles = [wake, expiry, retirement, opening].into_iter().flatten();
        singles.chain(waits).chain(openings).chain(calls).min_by_key(|(at, _)| *at)
    }

    fn call_due(&self, session: u64, stage: &Stage) -> Option<Duration> {
        match stage {
            Stage::Closing(_, None) if self.may_wait(session) => None,
            Stage::Cleaning(call)
            | Stage::Checking { call, .. }
            | Stage::Closing(_, call)
            | Stage::Refused(_, call) => Some(call.map_or(self.now, |running| running.until)),
            // The borrower drives it.
            Stage::Leased | Stage::Releasing(_) | Stage::Abandoned => None,
        }
    }

    /// Time passes, and nothing happens meanwhile.
    pub(super) fn pass(&mut self, now: Duration) {
        if now == self.now {
            return;
        }
        self.failed_nobody();
        if let Some((at, what)) = self.due() {
            assert!(at >= now, "at {at:?} {what}; nothing happened before {now:?}");
        }
        let passed = now - self.now;
        if self.is_opening() {
            self.opening_time += passed;
        } else if self.checking() > 0 {
            self.checking_time += passed;
        }
        for share in self.shares.iter_mut().filter(|share| share.is_full()) {
            share.full_time += passed;
        }
        self.now = now;
        self.begun = 0;
        self.entitled = 0;
        self.most_idle = 0;
        self.was_crowded = false;
        self.spare_passes = 0;
    }

    /// When the session unused the longest expires, if nothing happens.
    pub(super) fn expiry(&self) -> Option<Duration> {
        let limit = self.settings.idle_timeout?;
        let may = self.stock.len() > self.settings.min_idle;
        self.stock.first().filter(|_| may).map(|oldest| oldest.since + limit)
    }

    /// True if one opening more than are under way and `more` has somebody to
    /// serve and room to do it.
    pub(super) fn wants_opening(&self, more: usize) -> bool {
        self.would_want_opening(more, self.stock.len())
    }

    fn would_want_opening(&self, more: usize, idle: usize) -> bool {
        let opening = self.opening() + more;
        let abreast = if self.outage.streak == 0 { self.settings.max_connecting } else { 1 };
        !self.is_closed()
            && self.pause.is_none()
            && self.taken() + more < self.settings.max_size
            && opening < abreast
            && (self.servable() > self.serving() + more
                || self.is_stock_low(more, idle)
                || self.was_asked && more == 0)
    }

    pub(super) fn is_stock_low(&self, more: usize, idle: usize) -> bool {
        idle + self.opening() + self.checking() + more < self.settings.min_idle
            && !self.is_rejected()
    }

    /// How many openings may begin now.
    pub(super) fn room_to_open(&self) -> usize {
        self.room_with(self.stock.len())
    }

    pub(super) fn room_with(&self, idle: usize) -> usize {
        if self.now < self.outage.earliest {
            return 0;
        }
        (0..).take_while(|more| self.would_want_opening(*more, idle)).count()
    }

    /// Notes what may happen at this instant, as things are just now, whichever comes first
    /// of what ends idle sessions and the rest.
    pub(super) fn look(&mut self) {
        let ending = self.stock.iter().filter(|idle| self.ends_now(idle.session)).count();
        let room = self.room_to_open().max(self.room_with(self.stock.len() - ending));
        self.entitled = self.entitled.max(self.begun + room);
        self.most_idle = self.most_idle.max(self.stock.len());
        self.was_crowded |= self.is_crowded();
    }

    pub(super) fn is_rejected(&self) -> bool {
        self.outage.streak > 0
            && self.outage.last.is_some_and(|(fault, _)| !is_worth_another_try(fault))
    }

    /// True while sessions are being opened, or held back from.
    pub(super) fn is_opening(&self) -> bool {
        let held_back = self.outage.streak > 0 && self.taken() < self.settings.max_size;
        self.opening() > 0 || held_back
    }
}
