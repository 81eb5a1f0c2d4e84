//! sessionpool side by side against its peers: deadpool, bb8, sqlx's pool, mobc,
//! fastpool and asyncband, interleaved in rounds in one process, over the same
//! session that does nothing.
//!
//! ```text
//! cargo run --release -p sessionpool-bench -- --quick
//! cargo run --release -p sessionpool-bench -- --only contended --pools sessionpool,deadpool
//! ```
//!
//! With `--gateway` the client of the 1010data gateway is measured too, against one in
//! Python, which needs `python3` and, the first time, the network to install lxml.
//!
//! Standard output has a line of JSON for each figure, the median over rounds:
//! `{"test":"uncontended","pool":"bb8","runtime":"ct","value":176.3,"unit":"ns"}`.
//! `runtime` is tokio's current-thread runtime (`ct`) or the multi-thread one with
//! two workers (`mt2`), freshly built, as the pool is, for every single figure; a
//! `value` of `null` is never. Lines named `…_ratio` compare with deadpool within
//! each round, and are steadier than the figures: the machine is never quite the
//! same for long.
//!
//! With `--sql` the pools are measured over private PostgreSQL and MariaDB servers and
//! over SQLite instead (`--sql=pg,mysql,sqlite`): the lines have the ratios to sqlx's
//! pool and to deadpool over sqlx's raw connections, and of SQLite to a connection
//! without a pool, all taken within rounds.
//!
//! With `--web` it is our layer for axum that is measured, against a handler that uses the
//! pool by hand and against `axum-sqlx-tx`; and what metrics cost.
//!
//! Figures of two workers depend on how far apart the CPUs are just then. The lines
//! are about the rounds during which they were near, if there were any; the table on
//! standard error has the others too, marked as aside.

mod counting;
mod distance;
mod gateway;
mod measure;
mod measures;
mod noopdb;
mod options;
mod outcome;
mod peer;
mod peers;
mod remote;
mod report;
mod runtime;
mod series;
mod sql;
mod stamps;
mod statistics;
mod web;

use std::io::{self, stdout};
use std::time::Duration;

use clap::Parser;

use crate::measures::{
    Allocations, AllocationsWaiting, Contended, Events, IdlePools, Impatient, Oversubscribed,
    SlowOpen, Spike, Timeouts, Uncontended, Waiters,
};
use crate::options::{Effort, Options};
use crate::series::{Contest, Series};
use crate::statistics::median;

fn main() -> io::Result<()> {
    let options = Options::parse();
    if let Some(databases) = &options.sql {
        return sql::play(options.effort(), databases);
    }
    if options.web {
        return web::measure(&mut stdout().lock(), options.effort());
    }
    if let Some(url) = &options.gateway_client {
        return gateway::run_client(url);
    }
    let mut contests = contests(options.effort());
    options.check(contests.iter().flat_map(|contest| contest.tests()));
    contests.retain(|contest| options.wants(contest.tests()));
    say_how_waits_are_timed();
    play(&mut contests, &options);
    print(&contests, &options)?;
    match options.wants_gateway() {
        true => gateway::measure(&mut stdout().lock(), options.effort().long_rounds),
        false => Ok(()),
    }
}

/// What a wait costs depends on it.
fn say_how_waits_are_timed() {
    let how = match stamps::are_coarse() {
        true => "a coarse stamp, as in a service on Linux",
        false => "a precise reading: this is not Linux, or tokio has its `test-util`",
    };
    eprintln!("sessionpool's long waits begin with {how}");
}

/// A race of fewer laps than this long allows says more about who started first than
/// about fairness: at 60 ms, Jain's index of strictly fair pools is 0.997 on two
/// workers.
const FAIR: Duration = Duration::from_millis(150);

/// Everything there is to measure.
fn contests(effort: Effort) -> Vec<Box<dyn Contest>> {
    let Effort { rounds, few_rounds, long_rounds, slice } = effort;
    vec![
        Series::of(Uncontended { slice }, rounds),
        Series::of(Events { slice }, rounds),
        Series::of(Contended { slice: slice.max(FAIR) }, rounds),
        Series::of(Oversubscribed, few_rounds),
        Series::of(Spike, few_rounds),
        Series::of(SlowOpen, long_rounds),
        Series::of(Impatient, long_rounds),
        Series::of(Allocations, few_rounds),
        Series::of(AllocationsWaiting, few_rounds),
        Series::of(Waiters, few_rounds),
        Series::of(IdlePools, few_rounds),
        Series::of(Timeouts, few_rounds),
    ]
}

/// Round by round through all measurements, so that an unquiet minute of the
/// machine's spoils a few rounds of each and not all of one.
fn play(contests: &mut [Box<dyn Contest>], options: &Options) {
    let rounds = contests.iter().map(|contest| contest.wanted()).max().unwrap_or(0);
    let mut pools = options.pools.clone();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for contest in contests.iter_mut().filter(|contest| round < contest.wanted()) {
            contest.play(&pools);
        }
        pools.rotate_left(1);
    }
}

fn print(contests: &[Box<dyn Contest>], options: &Options) -> io::Result<()> {
    let outcomes = || contests.iter().map(|contest| contest.outcome());
    let summaries: Vec<_> =
        outcomes().flat_map(|outcome| outcome.summaries(&options.pools)).collect();
    let mut out = stdout().lock();
    report::write_lines(&mut out, &summaries)?;
    eprintln!("{}", report::table(&summaries, &options.pools));
    if let Some(distance) = median(outcomes().flat_map(|outcome| outcome.distances()).map(Some)) {
        report::write_distance(&mut out, distance)?;
        eprintln!(
            "A cache line takes {distance:.0} ns from CPU to CPU (the median of all rounds)."
        );
    }
    Ok(())
}
