//! The reference: what the documentation promises, written down once more as
//! plain lists, by whom nothing is done in the background.
//!
//! It is told what callers do, and reads in the [`Trace`](crate::trace::Trace)
//! what the pool did thereupon. Every entry has to be one that is allowed just
//! then, and nothing that [has to happen](Model::due) may be missing from it. The
//! trace decides only what the documentation leaves open: when, within its
//! bounds, a back-off ends, and which of two things at the same instant is first.

mod calling;
mod classes;
mod comparing;
mod control;
mod due;
mod failing;
mod lending;
mod outage;
mod reading;
mod wear;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sessionpool_core::event::Ending;
use sessionpool_core::{Counters, Fault, Pause};
use sessionpool_testkit::Verb;

use self::classes::Share;
use self::outage::Outage;
use self::wear::Wear;
use crate::case::{Plan, Settings};
use crate::trace::{Call, Outcome, Trace};

#[derive(Debug)]
pub(crate) struct Model {
    settings: Settings,
    /// What the pool has said of the sessions it ends.
    trace: Trace,
    plans: BTreeMap<Verb, Plan>,
    now: Duration,
    /// Idle sessions, the one unused the longest first.
    stock: Vec<Idle>,
    /// All other sessions.
    sessions: BTreeMap<u64, Stage>,
    openings: BTreeMap<u64, Option<Running>>,
    /// How old and how used each session is.
    wear: BTreeMap<u64, Wear>,
    queue: VecDeque<Waiting>,
    /// What each kind of work has.
    shares: Vec<Share>,
    /// What kind of work a session is lent for.
    work: BTreeMap<u64, usize>,
    /// Waits that are over, until the waiter comes and sees.
    decided: BTreeMap<u32, (Waiting, Verdict)>,
    /// Who must be woken before anything else happens.
    to_wake: BTreeSet<u32>,
    outage: Outage,
    /// Somebody was turned away in an outage, and no opening has begun since.
    was_asked: bool,
    /// True if those who wait may be told of an outage just now, and may not.
    may_fail_fast: bool,
    pause: Option<Pause>,
    /// The openings and the sessions from before the last flush.
    stale_openings: BTreeSet<u64>,
    stale: BTreeSet<u64>,
    generation: u64,
    /// The most sessions the pool has ever been allowed.
    largest_size: usize,
    /// Old sessions that may wait for their successors to be closed, and since when.
    retiring: VecDeque<(u64, Duration)>,
    /// The openings they may wait for, and when each began.
    successors: BTreeMap<u64, Duration>,
    /// How many of those have ended, and nobody has been closed for it yet.
    passes: usize,
    /// How many of those ended at this instant, and nobody waited for them.
    spare_passes: usize,
    /// True if there was no room for those that wait, at some time of this instant.
    was_crowded: bool,
    /// How long sessions were being opened, or held back from.
    opening_time: Duration,
    /// How long sessions were being checked, and none opened.
    checking_time: Duration,
    /// How the cleaning ended that `Lease::release` waited for.
    released: Vec<(u64, Outcome)>,
    counters: Counters,
    reached: Reached,
    /// The counters when the pool was closed, once it is.
    before_close: Option<Counters>,
    /// Openings begun at this instant, and how many may have been.
    begun: usize,
    entitled: usize,
    /// The most idle sessions at this instant.
    most_idle: usize,
    /// The sessions whose ending the pool has told.
    told: BTreeSet<u64>,
    /// Which calls begin when, as far as the trace goes.
    calls: Vec<(Duration, Call)>,
}

#[derive(Clone, Copy, Debug)]
struct Idle {
    session: u64,
    /// Since when it is unused.
    since: Duration,
    /// When it last came back, or answered a check.
    alive: Duration,
}

/// What a history came to, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    pub(crate) counters: Counters,
    /// Somebody was served before others, whose kind of work had all it may.
    pub(crate) passed_over: u64,
    /// A worn session was closed after an opening that it had waited for, and that succeeded.
    pub(crate) succeeded: u64,
    /// A newcomer was turned away in an outage that had lasted too long.
    pub(crate) turned_away: u64,
    /// Somebody who waited was told of one.
    pub(crate) told_of_outage: u64,
    /// Such an outage was over.
    pub(crate) recovered: u64,
    /// The backend was lost, as an opening said.
    pub(crate) lost_by_opening: u64,
    /// And as a session said that came back, or was cleaned.
    pub(crate) lost_by_session: u64,
    /// What was opened before that said so once more.
    pub(crate) lost_again: u64,
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
    /// For somebody who waits, if it `serves`.
    Checking {
        idle: Idle,
        serves: bool,
        call: Option<Running>,
    },
    Closing(Ending, Option<Running>),
    /// Opened unclean, and closed for that: still an opening.
    Refused(u64, Option<Running>),
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
    class: Option<usize>,
    /// The opening time when it began to wait, the checking time, and for how long its
    /// kind of work had had all it may.
    marks: (Duration, Duration, Duration),
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

impl Model {
    pub(crate) fn new(settings: Settings, trace: Trace) -> Self {
        Self {
            largest_size: settings.max_size,
            shares: settings.classes.iter().map(Share::of).collect(),
            settings,
            trace,
            plans: BTreeMap::new(),
            now: Duration::ZERO,
            stock: Vec::new(),
            sessions: BTreeMap::new(),
            openings: BTreeMap::new(),
            wear: BTreeMap::new(),
            queue: VecDeque::new(),
            work: BTreeMap::new(),
            decided: BTreeMap::new(),
            to_wake: BTreeSet::new(),
            outage: Outage::default(),
            was_asked: false,
            may_fail_fast: false,
            pause: None,
            stale_openings: BTreeSet::new(),
            stale: BTreeSet::new(),
            generation: 0,
            retiring: VecDeque::new(),
            successors: BTreeMap::new(),
            passes: 0,
            spare_passes: 0,
            was_crowded: false,
            opening_time: Duration::ZERO,
            checking_time: Duration::ZERO,
            released: Vec::new(),
            counters: Counters::default(),
            reached: Reached::default(),
            before_close: None,
            begun: 0,
            entitled: 0,
            most_idle: 0,
            told: BTreeSet::new(),
            calls: Vec::new(),
        }
    }

    fn end(&mut self, session: u64, why: Ending) {
        if why == Ending::Worn && !self.is_used_up(session) {
            self.retiring.push_back((session, self.now));
        }
        self.move_to(session, Stage::Closing(why, None));
        self.fail_fast();
    }

    /// A session that says that the backend is lost ends, and is one of many.
    fn lost(&mut self, session: u64, why: Ending) {
        let is_news = self.met(Fault::BackendLost, self.is_stale(session));
        self.reached.lost_by_session += u64::from(is_news);
        self.end(session, why);
    }

    fn move_to(&mut self, session: u64, stage: Stage) {
        self.sessions.insert(session, stage);
    }

    fn decide(&mut self, waiting: Waiting, verdict: Verdict) {
        self.to_wake.insert(waiting.waiter);
        self.decided.insert(waiting.waiter, (waiting, verdict));
    }

    fn opening(&self) -> usize {
        self.openings.len() + self.count(|stage| matches!(stage, Stage::Refused(..)))
    }

    fn checking(&self) -> usize {
        self.count(|stage| matches!(stage, Stage::Checking { .. }))
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
