//! The pool against a sequential reference: random histories of everything that
//! callers, backends and time can do to it.
//!
//! A failing history is shrunk to a short one, shown, and kept beside this file to
//! be tried first from then on. `PROPTEST_CASES` sets the number of histories.

#[path = "state_machine/backend.rs"]
mod backend;
#[path = "state_machine/case.rs"]
mod case;
#[path = "state_machine/history.rs"]
mod history;
#[path = "state_machine/model.rs"]
mod model;
#[path = "state_machine/trace.rs"]
mod trace;

use std::cell::{Cell, RefCell};
use std::{env, panic};

use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use sessionpool_core::Counters;

const CASES: u32 = 2_000;

#[test]
fn the_pool_does_what_the_reference_does() {
    let mut runner = TestRunner::new(config());
    let reached = RefCell::new(Counters::default());
    silence_panics();
    SILENT.set(true);
    let outcome = runner.run(&case::any_case(), |case| {
        add(&mut reached.borrow_mut(), &history::run(&case));
        Ok(())
    });
    SILENT.set(false);
    if let Err(failure) = outcome {
        panic!("{failure}\n{runner}");
    }
    check_everything_was_reached(&reached.borrow());
}

fn config() -> Config {
    let mut config = Config::with_source_file(file!());
    config.failure_persistence =
        Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions")));
    config.max_shrink_iters = 50_000;
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    config
}

thread_local! {
    /// True while panics on this thread are scripted, or told by the runner.
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

fn silence_panics() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !SILENT.get() || env::var_os("LOUD").is_some() {
            loud(info);
        }
    }));
}

// ===== what was reached =====

/// A reference agrees easily with a pool that nothing happens to.
fn check_everything_was_reached(counters: &Counters) {
    let closed = &counters.closed;
    let reached = [
        ("acquired", counters.acquired),
        ("timed out", counters.timed_out),
        ("cancelled", counters.cancelled),
        ("queue full", counters.queue_full),
        ("failed", counters.failed),
        ("refused, closed", counters.refused_closed),
        ("open failed", counters.open_failed),
        ("expired", closed.expired),
        ("surplus", closed.surplus),
        ("broken", closed.broken),
        ("unclean", closed.unclean),
        ("pool closed", closed.pool_closed),
        ("close failed", counters.close_failed),
    ];
    for (what, times) in reached {
        println!("{what}: {times}");
        assert!(times > 0, "the histories never come to: {what}");
    }
}

fn add(sum: &mut Counters, one: &Counters) {
    sum.acquired += one.acquired;
    sum.timed_out += one.timed_out;
    sum.cancelled += one.cancelled;
    sum.queue_full += one.queue_full;
    sum.failed += one.failed;
    sum.refused_closed += one.refused_closed;
    sum.open_failed += one.open_failed;
    sum.closed.expired += one.closed.expired;
    sum.closed.surplus += one.closed.surplus;
    sum.closed.broken += one.closed.broken;
    sum.closed.unclean += one.closed.unclean;
    sum.closed.pool_closed += one.closed.pool_closed;
    sum.close_failed += one.close_failed;
}
