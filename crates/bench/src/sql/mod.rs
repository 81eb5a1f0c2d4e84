//! Pools over real databases: with `--sql`, on private servers and in a file.

mod peers;
mod run;
mod site;

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::options::Effort;
use crate::statistics::median;
use peers::{DEADPOOL, Entry, HELD, SQLX};
use run::Run;
use site::Site;

/// A database to measure pools over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Pg,
    Mysql,
    Sqlite,
}

/// One figure of one pool in one round.
#[derive(Debug)]
struct Figure {
    test: String,
    unit: &'static str,
    pool: &'static str,
    round: usize,
    value: f64,
}

/// What is printed: medians over rounds, and the medians of the ratios taken within
/// each round.
#[derive(Debug, Serialize)]
struct Line<'a> {
    test: &'a str,
    pool: &'a str,
    runtime: &'static str,
    value: Option<f64>,
    unit: &'a str,
    of_sqlx: Option<f64>,
    of_deadpool: Option<f64>,
    /// Of a connection without a pool.
    of_held: Option<f64>,
}

/// Plays all rounds over these databases, or over all if there are none, and prints a
/// line for each figure.
pub(crate) fn play(effort: Effort, databases: &[Database]) -> io::Result<()> {
    let wants = |database| databases.is_empty() || databases.contains(&database);
    let postgres = wants(Database::Pg).then(Site::postgres).transpose()?;
    let mariadb = wants(Database::Mysql).then(Site::mariadb).transpose()?;
    let sqlite = wants(Database::Sqlite).then(Site::sqlite).transpose()?;
    let mut figures = Vec::new();
    for round in 0..effort.few_rounds.max(3) {
        eprintln!("sql: round {}", round + 1);
        let slice = effort.slice;
        if let Some(site) = &postgres {
            play_round(site, &peers::POSTGRES, round, slice, &mut figures);
        }
        if let Some(site) = &mariadb {
            play_round(site, &peers::MYSQL, round, slice, &mut figures);
        }
        if let Some(site) = &sqlite {
            play_round(site, &peers::SQLITE, round, slice, &mut figures);
        }
    }
    print(&figures)
}

/// Another peer begins each round.
fn play_round<O>(
    site: &Site<O>,
    peers: &[Entry<O>],
    round: usize,
    slice: Duration,
    figures: &mut Vec<Figure>,
) {
    for run in Run::all(site, slice) {
        for turn in 0..peers.len() {
            let (pool, measure) = peers[(turn + round) % peers.len()];
            figures.extend(measure(&run).into_iter().map(|(test, unit, value)| Figure {
                test,
                unit,
                pool,
                round,
                value,
            }));
        }
    }
}

fn print(figures: &[Figure]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut seen = Vec::new();
    for figure in figures {
        let key = (&figure.test, figure.pool);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let same: Vec<&Figure> = figures.iter().filter(|it| (&it.test, it.pool) == key).collect();
        let line = Line {
            test: &figure.test,
            pool: figure.pool,
            runtime: "mt2",
            value: median(same.iter().map(|it| Some(it.value))),
            unit: figure.unit,
            of_sqlx: ratio(figures, &same, SQLX),
            of_deadpool: ratio(figures, &same, DEADPOOL),
            of_held: ratio(figures, &same, HELD),
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

fn ratio(figures: &[Figure], same: &[&Figure], to: &str) -> Option<f64> {
    let other = |one: &Figure| {
        let in_round = |it: &&Figure| it.test == one.test && it.round == one.round && it.pool == to;
        figures.iter().find(in_round).map(|it| one.value / it.value)
    };
    median(same.iter().map(|one| other(one)))
}
