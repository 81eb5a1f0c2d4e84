//! Pools over real databases: with `--sql`, on a private PostgreSQL server.

mod peers;
mod run;
mod site;

use std::io::{self, Write};

use serde::Serialize;

use crate::options::Effort;
use crate::statistics::median;
use peers::{Deadpool, DeadpoolPing, DeadpoolPostgres, Ours, Sqlx, SqlxUntested};
use run::{Found, Run, measure};
use site::Site;

/// The two that others are compared with.
const SQLX: &str = "sqlx";
const DEADPOOL: &str = "deadpool";

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
}

/// Plays all rounds, and prints a line for each figure.
pub(crate) fn play(effort: Effort) -> io::Result<()> {
    let site = Site::build()?;
    let mut figures = Vec::new();
    for round in 0..effort.few_rounds.max(3) {
        eprintln!("sql: round {}", round + 1);
        for run in Run::all(&site, effort.slice) {
            let mut order: [fn(&Run<'_>) -> Vec<Found>; 6] = [
                measure::<Ours>,
                measure::<Sqlx>,
                measure::<SqlxUntested>,
                measure::<Deadpool>,
                measure::<DeadpoolPing>,
                measure::<DeadpoolPostgres>,
            ];
            let mut names = [
                "sessionpool",
                SQLX,
                "sqlx_untested",
                DEADPOOL,
                "deadpool_ping",
                "deadpool_postgres",
            ];
            order.rotate_left(round % 6);
            names.rotate_left(round % 6);
            for (measure, pool) in order.iter().zip(names) {
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
    print(&figures)
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
