//! The pool against a sequential reference: random histories of everything that
//! callers, the backend and time can do to it.
//!
//! A failing history is shrunk, shown step by step, and kept beside this file to be
//! tried first from then on. `PROPTEST_CASES` sets how many histories there are.

mod backend;
mod case;
mod draw;
mod hand;
mod history;
mod model;
mod trace;
mod watch;

use std::cell::{Cell, RefCell};
use std::{env, panic};

use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};

use self::case::Case;
use self::model::Reached;

const CASES: u32 = 2_000;

#[test]
fn the_pool_does_what_the_reference_does() {
    let mut runner = TestRunner::new(config());
    let reached = RefCell::new([0; REACHABLE.len()]);
    watch::start();
    silence_panics();
    let outcome = runner.run(&draw::any_case(), |case| {
        watch::begins(&case);
        let came_to = silently(|| history::run(&case, false));
        add(&mut reached.borrow_mut(), &came_to);
        Ok(())
    });
    watch::all_ended();
    if let Err(failure) = outcome {
        if let TestError::Fail(_, case) = &failure {
            tell(case);
        }
        panic!("{failure}\n{runner}");
    }
    check_everything_was_reached(&reached.borrow(), runner.config().cases);
}

fn config() -> Config {
    let mut config = Config::with_source_file(file!());
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    config.failure_persistence = Some(Box::new(beside));
    if env::var_os("PROPTEST_MAX_SHRINK_ITERS").is_none() {
        config.max_shrink_iters = 50_000;
    }
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    config
}

/// Prints a failing history as it goes.
fn tell(case: &Case) {
    println!("the shortest failing history:");
    let _ = panic::catch_unwind(|| history::run(case, true));
}

// ===== panics =====

thread_local! {
    /// True while panics on this thread are scripted, or caught and told by the
    /// runner.
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

fn silence_panics() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !SILENT.get() {
            loud(info);
        }
    }));
}

fn silently<T>(work: impl FnOnce() -> T) -> T {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            SILENT.set(false);
        }
    }
    let _loud_again = Loud;
    SILENT.set(true);
    work()
}

// ===== what was reached =====

type Count = fn(&Reached) -> u64;

/// What histories must come to: a reference agrees easily with a pool to which
/// nothing happens.
const REACHABLE: [(&str, Count); 26] = [
    ("acquired", |it| it.counters.acquired),
    ("timed out", |it| it.counters.timed_out),
    ("cancelled", |it| it.counters.cancelled),
    ("queue full", |it| it.counters.queue_full),
    ("failed", |it| it.counters.failed),
    ("refused, being closed", |it| it.counters.refused_closed),
    ("refused, being paused", |it| it.counters.refused_paused),
    ("opening failed", |it| it.counters.open_failed),
    ("expired", |it| it.counters.closed.expired),
    ("surplus", |it| it.counters.closed.surplus),
    ("broken", |it| it.counters.closed.broken),
    ("unclean", |it| it.counters.closed.unclean),
    ("stale", |it| it.counters.closed.stale),
    ("ended by closing the pool", |it| it.counters.closed.pool_closed),
    ("closing failed", |it| it.counters.close_failed),
    ("checked", |it| it.counters.checked),
    ("dead", |it| it.counters.closed.dead),
    ("worn", |it| it.counters.closed.worn),
    ("closed after its successor was opened", |it| it.succeeded),
    ("served before others whose class was full", |it| it.passed_over),
    ("turned away in a long outage", |it| it.turned_away),
    ("told of a long outage while waiting", |it| it.told_of_outage),
    ("out of a long outage", |it| it.recovered),
    ("backend lost, as an opening said", |it| it.lost_by_opening),
    ("backend lost, as a session said", |it| it.lost_by_session),
    ("backend lost, which was known", |it| it.lost_again),
];

fn add(reached: &mut [u64; REACHABLE.len()], came_to: &Reached) {
    for (sum, (_, count)) in reached.iter_mut().zip(REACHABLE) {
        *sum += count(came_to);
    }
}

fn check_everything_was_reached(reached: &[u64; REACHABLE.len()], cases: u32) {
    for (sum, (what, _)) in reached.iter().zip(REACHABLE) {
        println!("{what}: {sum}");
        assert!(*sum > 0 || cases < CASES, "no history came to: {what}");
    }
}
