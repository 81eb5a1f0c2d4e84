//! The reference: what the documentation promises, written down once more as
//! plain lists, by whom nothing is done in the background.
//!
//! It is told what callers do, and reads in the [`Trace`](crate::trace::Trace)
//! what the pool did thereupon. Every entry has to be one that is allowed just
//! then, and nothing that [has to happen](Model::due) may be missing from it. The
//! trace decides only what the documentation leaves open: when, within its
//! bounds, a back-off ends, and which of two things at the same instant is first.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sessionpool_core::{CloseReport, Counters, Fault, Phase, Status, TimedOut, TryAcquireError};
use sessionpool_testkit::{Book, Verb};

use crate::case::{End, Plan, Settings, State};
use crate::trace::{Call, Entry, Event, Outcome, Who};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Granted(u64),
    Failed(Fault),
    Closed,
    TimedOut,
}

/// What an acquire is told when it is first polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Lent(u64),
    Queued,
    QueueFull,
    Closed,
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
            Self::TimedOut => Answer::TimedOut,
        }
    }
}

#[derive(Debug, Default)]
struct Outage {
    /// Openings failed in a row.
    streak: u32,
    last: Option<(Fault, Duration)>,
    /// The next opening begins between these.
    earliest: Duration,
    latest: Duration,
}

// ===== what callers do =====

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
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
        if let Some(first) = self.queue.pop_front() {
            self.counters.acquired += 1;
            self.move_to(session, Stage::Leased);
            return self.decide(first, Verdict::Granted(session));
        }
        if self.stock.len() >= self.settings.max_idle && !self.has_just_made_room_for(session) {
            return self.end(session, Why::Surplus);
        }
        self.sessions.remove(&session);
        self.stock.push(Idle { session, since: self.now });
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
        let rejected = self.is_rejected() && self.taken() == 0;
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
        let stock_is_low =
            self.stock.len() + opening < self.settings.min_idle && !self.is_rejected();
        !self.is_closed()
            && self.taken() + more < self.settings.max_size
            && opening < abreast
            && (self.queue.len() > opening || stock_is_low)
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

// ===== what the trace says =====

impl Model {
    /// Reads what the pool did until now, when it has nothing left to do.
    pub(crate) fn read(&mut self, trace: &[Entry], now: Duration) {
        self.closings = trace.iter().filter_map(Entry::closing).collect();
        self.begun = 0;
        self.entitled = self.room_to_open();
        for entry in trace {
            if std::env::var_os("TR").is_some() {
                eprintln!("{:?} {:?}", entry.at, entry.event);
            }
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
        if !clean {
            return self.move_to(session, Stage::Refused(None));
        }
        self.counters.opened += 1;
        self.outage.succeeded();
        self.settle(session);
    }

    fn opening_failed(&mut self, opening: u32, outcome: Outcome) {
        self.end_opening(opening, outcome);
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

impl Waiting {
    fn deadline(&self) -> Duration {
        self.since.saturating_add(self.limit)
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

impl Outage {
    fn succeeded(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }

    /// Back-off: after a transient failure at most 100 ms, twice that after the
    /// next, up to 10 s; after a rejection between half of it and all of 1 s,
    /// then 2 s, up to 60 s; where the backend says when, then.
    fn failed(&mut self, fault: Fault, now: Duration) {
        self.streak += 1;
        self.last = Some((fault, now));
        let doubled = |first: u64, most: u64| {
            Duration::from_millis(most.min(first << (self.streak - 1).min(16)))
        };
        let (least, most) = match fault {
            Fault::Busy { retry_after: Some(after) } => (after, after),
            _ if is_worth_another_try(fault) => (Duration::ZERO, doubled(100, 10_000)),
            _ => (doubled(1_000, 60_000) / 2, doubled(1_000, 60_000)),
        };
        self.earliest = now + least;
        self.latest = now + most;
    }
}

fn is_worth_another_try(fault: Fault) -> bool {
    matches!(fault, Fault::Busy { .. } | Fault::Transient)
}

// ===== comparing =====

#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    opening: usize,
    idle: usize,
    leased: usize,
    cleaning: usize,
    closing: usize,
    waiters: usize,
    oldest_waiter: Option<Duration>,
    closed: bool,
}

impl Model {
    pub(crate) fn check_status(&self, status: &Status) {
        assert_eq!(Sizes::of(status), self.sizes(), "the pool's sizes and the reference's");
        assert_eq!(status.counters, self.counters, "the pool's counters and the reference's");
        assert!(status.size() <= self.settings.max_size, "{status}");
        check_balance(status);
    }

    pub(crate) fn check_book(&self, book: &Book, leases: usize) {
        assert!(book.violations.is_empty(), "{:?}", book.violations);
        assert_eq!(book.live, self.taken(), "{book:?}");
        assert_eq!(book.opening, self.openings.len(), "{book:?}");
        assert_eq!(book.held, leases, "{book:?}");
        assert!(book.peak <= self.settings.max_size, "{book:?}");
    }

    pub(crate) fn check_timed_out(&self, waiting: &Waiting, told: &TimedOut) {
        let waited = self.now - waiting.since;
        let opening = (self.opening_time - waiting.mark).min(waited);
        let phase = if self.is_opening() { Phase::Opening } else { Phase::Queueing };
        assert_eq!(told.limit, waiting.limit);
        assert_eq!((told.queueing, told.opening), (waited - opening, opening), "{told}");
        assert_eq!(told.phase, phase, "{told}");
        assert_eq!(told.holders.len(), self.leased().min(5), "{told}");
        let told_failure =
            told.last_failure.as_ref().map(|last| (last.fault, last.age, last.streak));
        let failure =
            self.outage.last.map(|(fault, at)| (fault, self.now - at, self.outage.streak));
        assert_eq!(told_failure, failure, "{told}");
    }

    pub(crate) fn check_report(&self, report: &CloseReport) {
        let before = self.before_close.unwrap_or_default();
        let gone = self.counters.closed.total() - before.closed.total();
        let failed = self.counters.close_failed - before.close_failed;
        assert_eq!((report.closed, report.failed), (gone - failed, failed), "{report}");
        assert_eq!(report.in_progress, self.taken() - self.leased(), "{report}");
        assert_eq!(report.still_out.len(), self.leased(), "{report}");
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            opening: self.opening(),
            idle: self.stock.len(),
            leased: self.leased(),
            cleaning: self.count(|stage| matches!(stage, Stage::Cleaning(_))),
            closing: self.count(|stage| matches!(stage, Stage::Closing(..))),
            waiters: self.queue.len(),
            oldest_waiter: self.queue.front().map(|first| self.now - first.since),
            closed: self.is_closed(),
        }
    }
}

impl Sizes {
    const fn of(status: &Status) -> Self {
        let Status { opening, idle, leased, cleaning, closing, .. } = *status;
        let Status { waiters, oldest_waiter, closed, .. } = *status;
        Self { opening, idle, leased, cleaning, closing, waiters, oldest_waiter, closed }
    }
}

/// The sums that [`Counters`] promises.
fn check_balance(status: &Status) {
    let Status { counters, .. } = status;
    let answered = counters.acquired
        + counters.timed_out
        + counters.cancelled
        + counters.queue_full
        + counters.failed
        + counters.refused_closed;
    let live = status.idle + status.leased + status.cleaning + status.closing;
    assert_eq!(counters.requested, answered + status.waiters as u64, "{status:?}");
    assert_eq!(counters.acquired, counters.returned + status.leased as u64, "{status:?}");
    assert_eq!(counters.opened, counters.closed.total() + live as u64, "{status:?}");
}
