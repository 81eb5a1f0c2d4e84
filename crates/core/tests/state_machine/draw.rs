//! How histories are drawn.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sessionpool_core::{Fault, Pause};
use sessionpool_testkit::Verb;

use crate::case::{
    CLASSES, Case, Class, End, Ending, Manner, Patience, Plan, Settings, Span, State, Step,
};

pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let ending = prop_oneof![Just(Ending::Close), Just(Ending::DropPool)];
    let scene = prop_oneof![60 => any_step().prop_map(|step| vec![step]), 1 => any_outage()];
    let scenes = vec(scene, 1..=100);
    (any_settings(), any::<bool>(), any::<u64>(), scenes, ending).prop_map(
        |(settings, attentive, jitter, scenes, ending)| Case {
            settings,
            attentive,
            jitter,
            steps: scenes.concat(),
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
    let checks = (
        option::weighted(0.5, select(vec![Duration::ZERO, millis(40), millis(900)])),
        select(vec![millis(1_500), millis(110)]),
    );
    let wear = (
        option::weighted(0.5, select(vec![millis(4_400), millis(330)])),
        option::weighted(0.3, 1..=3_u64),
    );
    let outage = option::weighted(0.5, select(vec![Duration::ZERO, millis(140), millis(1_200)]));
    let all = (limits, times, checks, wear, outage, any_classes());
    all.prop_map(|(limits, times, checks, wear, fail_fast_after, classes)| {
        let (max_size, idle, stock, waiters, max_connecting) = limits;
        // Tight limits are for a few cases only.
        let max_idle = if idle > 2 { max_size } else { idle.min(max_size) };
        let max_waiters = waiters.min(4);
        let (acquire_timeout, connect_timeout, release_timeout, close_timeout, idle_timeout) =
            times;
        let ((check_after_idle, check_timeout), (max_lifetime, max_uses)) = (checks, wear);
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
            fail_fast_after,
            check_after_idle,
            check_timeout,
            max_lifetime,
            max_uses,
            classes,
        }
    })
}

/// None in half of the cases.
fn any_classes() -> impl Strategy<Value = Vec<Class>> {
    let timeout = option::weighted(0.3, select(vec![millis(600), millis(80)]));
    let class = (1..=2_usize, timeout).prop_map(|(limit, timeout)| Class { limit, timeout });
    prop_oneof![1 => Just(Vec::new()), 1 => vec(class, 1..=CLASSES.len())]
}

fn any_step() -> impl Strategy<Value = Step> {
    let which = || 0..4_usize;
    prop_oneof![
        30 => (any_patience(), option::weighted(0.6, 0..CLASSES.len()))
            .prop_map(|(patience, class)| Step::Acquire(patience, class)),
        10 => Just(Step::TryAcquire),
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
        4 => any_check().prop_map(|plan| Step::Backend(Verb::Check, plan)),
        30 => any_span().prop_map(Step::Advance),
        2 => Just(Step::Flush),
        1 => select(vec![Pause::Wait, Pause::Fail]).prop_map(Step::Pause),
        4 => Just(Step::Resume),
        2 => (0..=3_usize).prop_map(Step::Resize),
        1 => close_deadline().prop_map(Step::Close),
        1 => which().prop_map(Step::PollClose),
        1 => which().prop_map(Step::DropClose),
    ]
}

/// Openings fail for a while, and succeed then. Meanwhile, and afterwards, callers come, and
/// sessions come back.
fn any_outage() -> impl Strategy<Value = Vec<Step>> {
    let fault = select(vec![Fault::Transient, Fault::BackendLost, Fault::Rejected]);
    let quickly = || select(vec![Duration::ZERO, millis(20)]);
    let failing = (quickly(), fault.prop_map(End::Badly));
    let (during, after) = (vec(step_in_outage(), 3..=10), vec(step_in_outage(), 1..=5));
    (failing, during, quickly(), after).prop_map(|((takes, ends), during, soon, after)| {
        let opening = |takes, ends| Step::Backend(Verb::Open, Plan { takes, ends });
        [vec![opening(takes, ends)], during, vec![opening(soon, End::Well)], after].concat()
    })
}

fn step_in_outage() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_patience().prop_map(|patience| Step::Acquire(patience, None)),
        2 => (0..4_usize, select(vec![State::Clean, State::Broken, State::Lost]))
            .prop_map(|(lease, state)| Step::Return { lease, state, manner: Manner::Plainly }),
        3 => any_span().prop_map(Step::Advance),
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
    prop_oneof![
        8 => Just(State::Clean),
        4 => Just(State::Dirty),
        2 => Just(State::Broken),
        1 => Just(State::Lost),
    ]
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
        2 => Just(End::Badly(Fault::BackendLost)),
        1 => Just(End::Badly(Fault::Rejected)),
        1 => Just(busy(None)),
        1 => Just(busy(Some(millis(300)))),
        1 => Just(End::Never),
        1 => Just(End::Panicking),
        1 => Just(End::Unclean),
    ];
    (any_time(), ends).prop_map(|(takes, ends)| Plan { takes, ends })
}

fn any_check() -> impl Strategy<Value = Plan> {
    let ends = prop_oneof![
        6 => Just(End::Well),
        1 => Just(End::Badly(Fault::Other)),
        1 => Just(End::Badly(Fault::SessionLost)),
        1 => Just(End::Badly(Fault::BackendLost)),
        1 => Just(End::Never),
        1 => Just(End::Panicking),
    ];
    (any_time(), ends).prop_map(|(takes, ends)| Plan { takes, ends })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let ends = prop_oneof![
        4 => Just(End::Well),
        1 => Just(End::Badly(Fault::Other)),
        1 => Just(End::Badly(Fault::SessionLost)),
        1 => Just(End::Badly(Fault::BackendLost)),
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
        1 => Just(Span::NearlyALifetime),
        1 => Just(Span::Lifetime),
    ]
}

fn close_deadline() -> impl Strategy<Value = Duration> {
    select(vec![Duration::ZERO, millis(90), millis(4_000), Duration::MAX])
}

const fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}
