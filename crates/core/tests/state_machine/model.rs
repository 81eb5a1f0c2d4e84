//! The reference: what the documentation promises, written down once more as
//! plain lists, by whom nothing is done in the background.
//!
//! It is told what callers do, and reads in the [`Trace`](crate::trace::Trace)
//! what the pool did thereupon. Every entry has to be one that is allowed just
//! then, and nothing that [has to happen](Model::due) may be missing from it. The
//! trace decides only what the documentation leaves open: when, within its
//! bounds, a back-off ends, and which of two things at the same instant is first.

mod comparing;
mod control;
mod outage;
mod reading;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sessionpool_core::{Counters, Fault, Pause, TryAcquireError};
use sessionpool_testkit::Verb;

use self::outage::{Outage, is_worth_another_try};
use crate::case::{Plan, Settings, State};
use crate::trace::Outcome;

#[derive(Debug)]
pub(crate) struct Model {
    settings: Settings,
    plans: BTreeMap<Verb, Plan>,
    now: Duration,
    /// Idle sessions, the one unused the longest first.
    stock: Vec<Idle>,
    /// All other sessions.
    sessions: BTreeMap<u64, Stage>,
    openings: BTreeMap<u32, Running>,
    queue: VecDeque<Waiting>,
    /// Waits that are over, until the waiter comes and sees.
    decided: BTreeMap<u32, (Waiting, Verdict)>,
    /// Who must be woken before anything else happens.
    to_wake: VecDeque<u32>,
    outage: Outage,
    pause: Option<Pause>,
    /// The openings and the sessions from before the last flush.
    stale_openings: BTreeSet<u32>,
    stale: BTreeSet<u64>,
    generation: u64,
    /// The most sessions the pool has ever been allowed.
    largest_size: usize,
    /// How long sessions were being opened, or held back from.
    opening_time: Duration,
    /// How the cleaning ended that `Lease::release` waited for.
    released: Vec<(u64, Outcome)>,
    counters: Counters,
    /// The counters when the pool was closed, once it is.
    before_close: Option<Counters>,
    /// Openings begun at this instant, and how many may have been.
    begun: usize,
    entitled: usize,
    /// When which session's closing begins, as far as the trace goes.
    closings: Vec<(Duration, u64)>,
}

#[derive(Debug)]
struct Idle {
    session: u64,
    since: Duration,
}

/// `None` in here: the call has yet to be made.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Leased,
    /// Still leased: `Lease::release` cleans it.
    Releasing(Option<Running>),
    /// `Lease::release` was dropped half way.
    Abandoned,
    Cleaning(Option<Running>),
    Closing(Why, Option<Running>),
    /// Opened unclean, and closed for that: still an opening.
    Refused(Option<Running>),
}

#[derive(Clone, Copy, Debug)]
enum Why {
    Expired,
    Surplus,
    Broken,
    Unclean,
    PoolClosed,
    Stale,
}

/// A call to the backend, and what it comes to.
#[derive(Clone, Copy, Debug)]
struct Running {
    until: Duration,
    outcome: Outcome,
    /// When it would end without a time limit, and how.
    own_end: (Duration, Outcome),
}

#[derive(Debug)]
pub(crate) struct Waiting {
    waiter: u32,
    since: Duration,
    limit: Duration,
    /// The opening time when it began to wait.
    mark: Duration,
}

impl Waiting {
    fn deadline(&self) -> Duration {
        self.since.saturating_add(self.limit)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Granted(u64),
    Failed(Fault),
    Closed,
    Paused,
    TimedOut,
}

/// What an acquire is told when it is first polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Lent(u64),
    Queued,
    QueueFull,
    Closed,
    Paused,
    TimedOut,
    Failed(Fault),
}

impl Verdict {
    /// What the waiter is told.
    pub(crate) const fn told(self) -> Answer {
        match self {
            Self::Granted(session) => Answer::Lent(session),
            Self::Failed(fault) => Answer::Failed(fault),
            Self::Closed => Answer::Closed,
            Self::Paused => Answer::Paused,
            Self::TimedOut => Answer::TimedOut,
        }
    }
}

// ===== what callers do =====

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            largest_size: settings.max_size,
            settings,
            plans: BTreeMap::new(),
            now: Duration::ZERO,
            stock: Vec::new(),
            sessions: BTreeMap::new(),
            openings: BTreeMap::new(),
            queue: VecDeque::new(),
            decided: BTreeMap::new(),
            to_wake: VecDeque::new(),
            outage: Outage::default(),
            pause: None,
            stale_openings: BTreeSet::new(),
            stale: BTreeSet::new(),
            generation: 0,
            opening_time: Duration::ZERO,
            released: Vec::new(),
            counters: Counters::default(),
            before_close: None,
            begun: 0,
            entitled: 0,
            closings: Vec::new(),
        }
    }

    pub(crate) fn set_plan(&mut self, verb: Verb, plan: Plan) {
        self.plans.insert(verb, plan);
    }

    /// The answer to an acquire; what was `seen` decides where either is right.
    pub(crate) fn acquire(&mut self, waiter: u32, limit: Duration, seen: Answer) -> Answer {
        self.counters.requested += 1;
        if let Some(session) = self.lend() {
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
        if let Some(fault) = self.standing_rejection(seen) {
            self.counters.failed += 1;
            return Answer::Failed(fault);
        }
        if limit.is_zero() {
            self.counters.timed_out += 1;
            return Answer::TimedOut;
        }
        if self.queue.len() >= self.settings.max_waiters {
            self.counters.queue_full += 1;
            return Answer::QueueFull;
        }
        let waiting = self.waiting(waiter, limit);
        self.queue.push_back(waiting);
        Answer::Queued
    }

    pub(crate) fn try_acquire(&mut self) -> Result<u64, TryAcquireError> {
        match self.lend() {
            Some(session) => {
                self.counters.requested += 1;
                Ok(session)
            }
            None if self.is_closed() => Err(TryAcquireError::Closed),
            None => Err(TryAcquireError::NoneIdle),
        }
    }

    /// One that begins to wait now.
    pub(crate) fn waiting(&self, waiter: u32, limit: Duration) -> Waiting {
        Waiting { waiter, since: self.now, limit, mark: self.opening_time }
    }

    /// What a waiter that is polled learns; `None` is to wait on.
    pub(crate) fn poll(&mut self, waiter: u32) -> Option<(Waiting, Verdict)> {
        self.decided.remove(&waiter)
    }

    pub(crate) fn is_decided(&self, waiter: u32) -> bool {
        self.decided.contains_key(&waiter)
    }

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

    pub(crate) fn give_back(&mut self, session: u64, state: State) {
        self.counters.returned += 1;
        match state {
            State::Clean => self.settle(session),
            State::Dirty if self.is_closed() => self.end(session, Why::PoolClosed),
            State::Dirty if self.is_stale(session) => self.end(session, Why::Stale),
            State::Dirty => self.move_to(session, Stage::Cleaning(None)),
            State::Broken => self.end(session, Why::Broken),
        }
    }

    /// `Lease::release` begins.
    pub(crate) fn release(&mut self, session: u64, state: State) {
        match state {
            State::Dirty => self.move_to(session, Stage::Releasing(None)),
            State::Clean | State::Broken => self.give_back(session, state),
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
            self.end(idle.session, Why::PoolClosed);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.before_close.is_some()
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.taken() == 0
    }
}

// ===== the rules =====

impl Model {
    /// The session that came back last is lent first.
    fn lend(&mut self) -> Option<u64> {
        if self.pause.is_some() {
            return None;
        }
        let Idle { session, .. } = self.stock.pop()?;
        self.counters.acquired += 1;
        self.move_to(session, Stage::Leased);
        Some(session)
    }

    /// A clean session goes to the first in line, or to stock.
    fn settle(&mut self, session: u64) {
        if self.is_closed() {
            return self.end(session, Why::PoolClosed);
        }
        if self.staying() > self.settings.max_size {
            return self.end(session, Why::Surplus);
        }
        if self.is_stale(session) {
            return self.end(session, Why::Stale);
        }
        if self.pause.is_none() && !self.queue.is_empty() {
            return self.grant(session);
        }
        let surplus = self.stock.len() >= self.settings.max_idle && self.queue.is_empty();
        if surplus && !self.has_just_made_room_for(session) {
            return self.end(session, Why::Surplus);
        }
        self.sessions.remove(&session);
        self.stock.push(Idle { session, since: self.now });
    }

    /// The first in line is served.
    fn grant(&mut self, session: u64) {
        let Some(first) = self.queue.pop_front() else { return };
        self.counters.acquired += 1;
        self.move_to(session, Stage::Leased);
        self.decide(first, Verdict::Granted(session));
    }

    /// An idle session that expires at the very instant another one comes may
    /// make room for it. It did, if that one is not closed.
    fn has_just_made_room_for(&mut self, session: u64) -> bool {
        let closes = self.closings.contains(&(self.now, session));
        let made = !closes && self.expiry().is_some_and(|at| at <= self.now);
        if made {
            self.expire();
        }
        made
    }

    /// When the session unused the longest expires, if nothing happens.
    fn expiry(&self) -> Option<Duration> {
        let limit = self.settings.idle_timeout?;
        let may = self.stock.len() > self.settings.min_idle;
        self.stock.first().filter(|_| may).map(|oldest| oldest.since + limit)
    }

    fn expire(&mut self) {
        let Idle { session, .. } = self.stock.remove(0);
        self.end(session, Why::Expired);
    }

    fn end(&mut self, session: u64, why: Why) {
        self.move_to(session, Stage::Closing(why, None));
    }

    fn move_to(&mut self, session: u64, stage: Stage) {
        self.sessions.insert(session, stage);
    }

    fn decide(&mut self, waiting: Waiting, verdict: Verdict) {
        self.to_wake.push_back(waiting.waiter);
        self.decided.insert(waiting.waiter, (waiting, verdict));
    }

    fn standing_rejection(&mut self, seen: Answer) -> Option<Fault> {
        let rejected = self.is_rejected() && self.taken() == 0 && self.pause.is_none();
        let (fault, _) = self.outage.last.filter(|_| rejected)?;
        if self.outage.earliest <= self.now && self.now < self.outage.latest {
            // The end of the back-off is one of these two by now known to be.
            match seen {
                Answer::Failed(_) => self.outage.earliest = self.now + TICK,
                _ => self.outage.latest = self.now,
            }
        }
        Some(fault).filter(|_| self.now < self.outage.earliest)
    }

    /// True if one opening more than are under way and `more` has somebody to
    /// serve and room to do it.
    fn wants_opening(&self, more: usize) -> bool {
        let opening = self.opening() + more;
        let abreast = if self.outage.streak == 0 { self.settings.max_connecting } else { 1 };
        !self.is_closed()
            && self.pause.is_none()
            && self.taken() + more < self.settings.max_size
            && opening < abreast
            && (self.queue.len() > self.serving() + more || self.is_stock_low(more))
    }

    fn is_stock_low(&self, more: usize) -> bool {
        self.stock.len() + self.opening() + more < self.settings.min_idle && !self.is_rejected()
    }

    /// How many openings may begin now.
    fn room_to_open(&self) -> usize {
        if self.now < self.outage.earliest {
            return 0;
        }
        (0..).take_while(|more| self.wants_opening(*more)).count()
    }

    fn is_rejected(&self) -> bool {
        self.outage.streak > 0
            && self.outage.last.is_some_and(|(fault, _)| !is_worth_another_try(fault))
    }

    /// True while sessions are being opened, or held back from.
    fn is_opening(&self) -> bool {
        let held_back = self.outage.streak > 0 && self.taken() < self.settings.max_size;
        self.opening() > 0 || held_back
    }

    fn opening(&self) -> usize {
        self.openings.len() + self.count(|stage| matches!(stage, Stage::Refused(_)))
    }

    fn leased(&self) -> usize {
        self.count(|stage| matches!(stage, Stage::Leased | Stage::Releasing(_) | Stage::Abandoned))
    }

    fn count(&self, is_meant: impl Fn(&Stage) -> bool) -> usize {
        self.sessions.values().filter(|stage| is_meant(stage)).count()
    }

    fn taken(&self) -> usize {
        self.openings.len() + self.stock.len() + self.sessions.len()
    }
}

// ===== what has to happen =====

/// The resolution of timers.
const TICK: Duration = Duration::from_millis(1);

impl Model {
    /// What has to happen next, and when at the latest.
    fn due(&self) -> Option<(Duration, String)> {
        let wake = self.to_wake.front().map(|who| (self.now, format!("waiter {who} is woken")));
        let expiry =
            self.expiry().map(|at| (at.max(self.now), "an idle session expires".to_owned()));
        let opening = self
            .wants_opening(0)
            .then(|| (self.outage.latest.max(self.now), "an opening begins".to_owned()));
        let waits = self.queue.iter().map(|waiting| {
            (waiting.deadline(), format!("the time of waiter {} is over", waiting.waiter))
        });
        let openings = self
            .openings
            .iter()
            .map(|(opening, running)| (running.until, format!("opening {opening} ends")));
        let calls = self.sessions.iter().filter_map(|(session, stage)| {
            self.call_due(stage).map(|at| (at, format!("{stage:?} of {session} goes on")))
        });
        let singles = [wake, expiry, opening].into_iter().flatten();
        singles.chain(waits).chain(openings).chain(calls).min_by_key(|(at, _)| *at)
    }

    fn call_due(&self, stage: &Stage) -> Option<Duration> {
        match stage {
            Stage::Cleaning(running) | Stage::Closing(_, running) | Stage::Refused(running) => {
                Some(running.map_or(self.now, |running| running.until))
            }
            // The borrower drives it.
            Stage::Leased | Stage::Releasing(_) | Stage::Abandoned => None,
        }
    }

    /// Time passes, and nothing happens meanwhile.
    fn pass(&mut self, now: Duration) {
        if now == self.now {
            return;
        }
        if let Some((at, what)) = self.due() {
            assert!(at >= now, "at {at:?} {what}; nothing happened before {now:?}");
        }
        if self.is_opening() {
            self.opening_time += now - self.now;
        }
        self.now = now;
        self.begun = 0;
        self.entitled = 0;
    }
}
