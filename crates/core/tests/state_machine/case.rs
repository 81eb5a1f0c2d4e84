//! What a history is made of, and how histories are drawn.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sessionpool_core::{Fault, PoolBuilder, Session};
use sessionpool_testkit::{Act, Verb};

/// One history: a pool, and what is done to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) settings: Settings,
    /// Whether whoever is woken is polled at once, as executors do when they can,
    /// or only by a step.
    pub(crate) attentive: bool,
    /// Seeds the jitter of the back-off, so that a failing case fails again.
    pub(crate) jitter: u64,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_size: usize,
    pub(crate) max_idle: usize,
    pub(crate) min_idle: usize,
    pub(crate) max_waiters: usize,
    pub(crate) max_connecting: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) release_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
}

/// What happens next. Numbers pick among what is there at the time (the third of
/// two is the first); where nothing is there, nothing happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Acquire(Patience),
    TryAcquire,
    /// Polls a waiter, from another task if `moved`.
    Poll {
        waiter: usize,
        moved: bool,
    },
    /// Polls the first waiter that was woken.
    PollWoken,
    /// Drops a waiter.
    Leave(usize),
    /// Drops a lease.
    Return {
        lease: usize,
        state: State,
        manner: Manner,
    },
    /// Begins `Lease::release`.
    Release {
        lease: usize,
        state: State,
    },
    PollRelease(usize),
    DropRelease(usize),
    /// From now on, the backend does so.
    Backend(Verb, Plan),
    Advance(Span),
    Close(Duration),
    PollClose(usize),
    DropClose(usize),
}

/// How long an acquire is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    PoolsOwn,
    Of(Duration),
}

/// What a borrower leaves behind on its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Clean,
    Dirty,
    Broken,
}

/// How a lease is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Plainly,
    OnAnotherThread,
    WhileUnwinding,
}

/// What a call to the backend does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) takes: Duration,
    pub(crate) ends: End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Well,
    Badly(Fault),
    Never,
    Panicking,
    /// Against the rules, `open` answers with a session that is not clean.
    Unclean,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    Of(Duration),
    IdleTimeout,
    AcquireTimeout,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Close,
    DropPool,
}

impl Settings {
    pub(crate) fn apply<S: Session>(&self, builder: PoolBuilder<S>) -> PoolBuilder<S> {
        builder
            .max_size(self.max_size)
            .max_idle(self.max_idle)
            .min_idle(self.min_idle)
            .max_waiters(self.max_waiters)
            .max_connecting(self.max_connecting)
            .acquire_timeout(self.acquire_timeout)
            .connect_timeout(self.connect_timeout)
            .release_timeout(self.release_timeout)
            .close_timeout(self.close_timeout)
            .idle_timeout(self.idle_timeout)
    }
}

impl Plan {
    pub(crate) const SUCCEED: Self = Self { takes: Duration::ZERO, ends: End::Well };

    pub(crate) fn act(self) -> Act {
        let act = Act::take(self.takes);
        match self.ends {
            End::Well | End::Unclean => act,
            End::Badly(fault) => act.then_fail(fault),
            End::Never => act.then(&Act::hang()),
            End::Panicking => act.then_panic(),
        }
    }
}

// ===== drawing =====

pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let ending = prop_oneof![Just(Ending::Close), Just(Ending::DropPool)];
    let steps = vec(any_step(), 1..=100);
    (any_settings(), any::<bool>(), any::<u64>(), steps, ending).prop_map(
        |(settings, attentive, jitter, steps, ending)| Case {
            settings,
            attentive,
            jitter,
            steps,
            ending,
        },
    )
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let limits = (1..=4_usize, 0..=5_usize, 0..=4_usize, 0..=7_usize, 1..=2_usize);
    let times = (
        select(vec![millis(7_000), millis(1_000), millis(60)]),
        select(vec![millis(3_000), millis(150)]),
        select(vec![millis(2_000), millis(130)]),
        select(vec![millis(2_500), millis(170)]),
        option::weighted(0.8, select(vec![millis(5_500), millis(210)])),
    );
    (limits, times).prop_map(|((max_size, idle, stock, waiters, max_connecting), times)| {
        // Tight limits are for a few cases only.
        let max_idle = if idle > 2 { max_size } else { idle.min(max_size) };
        let max_waiters = waiters.min(4);
        let (acquire_timeout, connect_timeout, release_timeout, close_timeout, idle_timeout) =
            times;
        Settings {
            max_size,
            max_idle,
            min_idle: stock.saturating_sub(2).min(max_idle),
            max_waiters,
            max_connecting,
            acquire_timeout,
            connect_timeout,
            release_timeout,
            close_timeout,
            idle_timeout,
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let which = || 0..4_usize;
    prop_oneof![
        30 => any_patience().prop_map(Step::Acquire),
        6 => Just(Step::TryAcquire),
        6 => (which(), any::<bool>()).prop_map(|(waiter, moved)| Step::Poll { waiter, moved }),
        14 => Just(Step::PollWoken),
        8 => which().prop_map(Step::Leave),
        30 => (which(), any_state(), any_manner())
            .prop_map(|(lease, state, manner)| Step::Return { lease, state, manner }),
        8 => (which(), any_state()).prop_map(|(lease, state)| Step::Release { lease, state }),
        8 => which().prop_map(Step::PollRelease),
        2 => which().prop_map(Step::DropRelease),
        8 => any_opening().prop_map(|plan| Step::Backend(Verb::Open, plan)),
        3 => any_plan().prop_map(|plan| Step::Backend(Verb::Release, plan)),
        3 => any_plan().prop_map(|plan| Step::Backend(Verb::Close, plan)),
        30 => any_span().prop_map(Step::Advance),
        1 => close_deadline().prop_map(Step::Close),
        1 => which().prop_map(Step::PollClose),
        1 => which().prop_map(Step::DropClose),
    ]
}

fn any_patience() -> impl Strategy<Value = Patience> {
    prop_oneof![
        4 => Just(Patience::PoolsOwn),
        1 => Just(Patience::Of(Duration::ZERO)),
        2 => Just(Patience::Of(millis(40))),
        2 => Just(Patience::Of(millis(2_000))),
        1 => Just(Patience::Of(Duration::MAX)),
    ]
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![4 => Just(State::Clean), 2 => Just(State::Dirty), 1 => Just(State::Broken)]
}

fn any_manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        4 => Just(Manner::Plainly),
        1 => Just(Manner::OnAnotherThread),
        1 => Just(Manner::WhileUnwinding),
    ]
}

fn any_opening() -> impl Strategy<Value = Plan> {
    let busy = |retry_after| End::Badly(Fault::Busy { retry_after });
    let ends = prop_oneof![
        12 => Just(End::Well),
        3 => Just(End::Badly(Fault::Transient)),
        1 => Just(End::Badly(Fault::Rejected)),
        1 => Just(busy(None)),
        1 => Just(busy(Some(millis(300)))),
        1 => Just(End::Never),
        1 => Just(End::Panicking),
        1 => Just(End::Unclean),
    ];
    (any_time(), ends).prop_map(|(takes, ends)| Plan { takes, ends })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let ends = prop_oneof![
        4 => Just(End::Well),
        1 => Just(End::Badly(Fault::Other)),
        1 => Just(End::Badly(Fault::SessionLost)),
        1 => Just(End::Never),
        1 => Just(End::Panicking),
    ];
    (any_time(), ends).prop_map(|(takes, ends)| Plan { takes, ends })
}

/// Never as long as any time limit: either end would be right.
fn any_time() -> impl Strategy<Value = Duration> {
    select(vec![millis(0), millis(20), millis(50), millis(700), millis(5_000)])
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![
        1 => Just(Span::Of(Duration::ZERO)),
        2 => Just(Span::Of(millis(1))),
        4 => Just(Span::Of(millis(50))),
        3 => Just(Span::Of(millis(1_000))),
        1 => Just(Span::Of(millis(10_000))),
        1 => Just(Span::IdleTimeout),
        1 => Just(Span::AcquireTimeout),
    ]
}

fn close_deadline() -> impl Strategy<Value = Duration> {
    select(vec![Duration::ZERO, millis(90), millis(4_000), Duration::MAX])
}

const fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
