//! Under which schedules a crowd is put, and what decides them.

use std::{env, thread as real};

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::thread;
use shuttle::{Config, FailurePersistence, Runner as Shuttle};

use super::SEEDS;

/// For each model and order, when `SHUTTLE_SEEDS` does not say.
const FRESH_SEEDS: usize = 400;
/// Schedules that come of one seed; the first of priorities only finds out how long they are.
const SCHEDULES: usize = 8;
/// How often priorities change in a schedule.
const CHANGES: usize = 5;

/// In what order tasks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Any of them, at each step.
    Random,
    /// By priorities that change a few times (PCT).
    Priorities,
}

pub(super) fn prove(name: &str, model: fn()) {
    let known = SEEDS.iter().filter(|(of, ..)| *of == name).map(|(_, order, seed)| (*order, *seed));
    let fresh = env::var("SHUTTLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let fresh = (0..fresh.unwrap_or(FRESH_SEEDS))
        .flat_map(|_| [Order::Random, Order::Priorities].map(|order| (order, fastrand::u64(..))));
    let began = std::time::Instant::now();
    let mut schedules = 0;
    for (order, seed) in known.chain(fresh) {
        let told = Told { name, order, seed };
        schedules += run(order, seed, model);
        std::mem::forget(told);
    }
    println!("{schedules} schedules in {:.1?}", began.elapsed());
}

fn run(order: Order, seed: u64, model: fn()) -> usize {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None; // much longer than the seed
    config.silence_warnings = true;
    config.stack_size = 1 << 18;
    match order {
        Order::Random => {
            Shuttle::new(RandomScheduler::new_from_seed(seed, SCHEDULES), config).run(model)
        }
        Order::Priorities => {
            let scheduler = PctScheduler::new_from_seed(seed, CHANGES, SCHEDULES);
            Shuttle::new(scheduler, config).run(model)
        }
    }
}

/// Tells which run it was that failed.
struct Told<'a> {
    name: &'a str,
    order: Order,
    seed: u64,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Self { name, order, seed } = self;
        if real::panicking() {
            let is_kept = SEEDS.contains(&(*name, *order, *seed));
            let what = if is_kept { "one that is kept" } else { "to be kept" };
            eprintln!("failed, {what} in SEEDS: (\"{name}\", Order::{order:?}, {seed})");
        }
    }
}

pub(super) fn dice(sides: usize) -> usize {
    thread_rng().gen_range(0..sides)
}

/// Lets others come first, for a while.
pub(super) fn linger() {
    for _ in 0..dice(12) {
        thread::yield_now();
    }
}
