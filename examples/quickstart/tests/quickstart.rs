//! Runs the program and checks the figures it prints against the file.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::process::{Command, Output};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// A column of the file, read without the program's help.
fn column(name: &str) -> Vec<String> {
    let mut csv = csv::Reader::from_path("data/stations.csv").unwrap();
    let column = csv.headers().unwrap().iter().position(|it| it == name).unwrap();
    csv.records().map(|record| record.unwrap()[column].to_owned()).collect()
}

fn high() -> usize {
    column("elev").iter().filter(|elev| elev.parse::<f64>().unwrap() > 10.0).count()
}

fn run(arguments: &[&std::path::Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quickstart")).args(arguments).output().unwrap()
}

/// What the program printed behind `label`.
#[track_caller]
fn printed<'o>(output: &'o str, label: &str) -> &'o str {
    let line = output.lines().find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label:?} in:\n{output}")).trim()
}

#[test]
fn the_figures_are_those_of_the_file() {
    let output = run(&[]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "the progress bar needs a terminal");

    let text = String::from_utf8(output.stdout).unwrap();
    let all = column("id").len().to_string();
    assert_eq!(all, "17093");
    assert_eq!(printed(&text, "stations loaded by 16 tasks:"), all);
    assert_eq!(printed(&text, "stations stored:"), all, "the failed unit left a row");
    assert_eq!(printed(&text, "stations with elev > 10:"), high().to_string());
    assert!(text.lines().filter(|line| line.split('\t').count() == 5).count() >= 5);

    printed(&text, "a unit failed on purpose, and left nothing behind: AAXX is there already");
    printed(&text, "one session too many, on purpose: the pool lent no session within 200ms");
    assert_eq!(
        printed(&text, "-- at rest, the idle sessions ended:"),
        "0 of 4 sessions, 0 waiting"
    );
    assert_eq!(printed(&text, "-- closed:"), "0 of 4 sessions, 0 waiting, closed");
}

#[tokio::test]
async fn the_rows_are_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    assert!(run(&[&path]).status.success());

    let options = SqliteConnectOptions::new().filename(&path);
    let mut outside = SqliteConnection::connect_with(&options).await.unwrap();
    let mut ids: Vec<String> =
        sqlx::query_scalar("select id from station").fetch_all(&mut outside).await.unwrap();
    let mut wanted = column("id");
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted);
    let high_ones: i64 = sqlx::query_scalar("select count(*) from station where elev > 10")
        .fetch_one(&mut outside)
        .await
        .unwrap();
    assert_eq!(usize::try_from(high_ones).unwrap(), high());
    outside.close().await.unwrap();

    let again = run(&[&path]);
    assert!(!again.status.success(), "it wrote into a database that was in use");
    assert!(String::from_utf8(again.stderr).unwrap().contains("already exists"));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/kept.db");
    let output = run(&[&path]);
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("missing/kept.db"), "{error}");
}
