//! Two processes at one bank while everything around them fails: what was acknowledged
//! is there, what was refused is not, and nothing happens twice.
//!
//! Thirty-two tasks in two processes move money between accounts. Their futures are
//! dropped at random points; meanwhile sessions are killed, the server stands still, is
//! restarted, crashes, and one of the processes is killed. Each move is noted in the
//! database in the transaction that makes it, and by its process after its outcome.
//!
//! `SESSIONPOOL_BANK_SEED` runs a run's decisions again (the seed is in what a failure
//! says, and on standard output), `SESSIONPOOL_BANK_SECONDS` says how long; 60 by default.
#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(clippy::future_not_send, reason = "a bank's future stays where it is")]

mod books;
mod clerk;
mod plan;
mod ruin;
mod teller;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sessionpool::sql::{ConnectUrl, MySql, Postgres};
use sessionpool_testkit::server::{self, MariaDb, PgBouncer};

use self::books::{Books, check};
use self::clerk::Clerk;
use self::plan::Troubles;
use self::ruin::Ruin;

/// What a clerk's process is told: the bank's URL, its number, the seed, and for how
/// many milliseconds.
const ORDERS: &str = "SESSIONPOOL_BANK_ORDERS";

/// PostgreSQL looks for deadlocks after a second, in which the bank stands still.
const QUICK: [(&str, &str); 1] = [("deadlock_timeout", "20ms")];

fn seconds() -> u64 {
    env::var("SESSIONPOOL_BANK_SECONDS").map_or(60, |seconds| seconds.parse().unwrap())
}

fn seed() -> u64 {
    env::var("SESSIONPOOL_BANK_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap())
}

/// The test named `name` plays both parts: without orders it is the bank, with orders
/// one of its clerks.
async fn open<R: Ruin>(name: &str, server: R, url: String) {
    let seed = seed();
    println!("SESSIONPOOL_BANK_SEED={seed}");
    server.ask(plan::TABLES).await;
    let books = Arc::new(Books::default());
    let time = Duration::from_secs(seconds());
    let opened = Instant::now();
    let mut clerks: Vec<Clerk> =
        (0..2).map(|number| Clerk::hire(name, &url, number, seed, time, &books)).collect();
    let mut troubles = Troubles::of(seed);
    let mut count = 0;
    while let Some(left) = time.checked_sub(opened.elapsed()).filter(|left| !left.is_zero()) {
        let (pause, trouble) = troubles.next_one();
        tokio::time::sleep(pause.min(left)).await;
        count += 1;
        if ruin::befall(&server, trouble).await {
            // Killed, and another one takes over.
            let number = clerks.len();
            let place = number % 2;
            clerks[place].kill();
            let left = time.saturating_sub(opened.elapsed());
            clerks.push(Clerk::hire(name, &url, number, seed, left, &books));
            clerks.swap(place, number);
        }
    }
    for clerk in &mut clerks {
        clerk.wait();
    }
    let summary = check(&server, &books).await;
    println!("{summary}, {count} troubles");
    assert!(summary.is_worth_something(), "seed {seed}: {summary}");
    assert!(summary.faults.is_empty(), "seed {seed}: {:#?}", summary.faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, and a minute"]
async fn the_bank_over_postgres_is_right_to_the_penny() {
    if let Some(orders) = clerk::orders() {
        return clerk::serve(orders, |url| Postgres::connect(url).unwrap()).await;
    }
    let server = server::Postgres::start_with(&QUICK).await;
    let url = server.url();
    open("the_bank_over_postgres_is_right_to_the_penny", server, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PgBouncer and PostgreSQL, and a minute"]
async fn the_bank_behind_pgbouncer_is_right_to_the_penny() {
    if let Some(orders) = clerk::orders() {
        let behind = |url: &str| Postgres::connect(url).unwrap().behind_pooler();
        return clerk::serve(orders, behind).await;
    }
    let server = server::Postgres::start_with(&QUICK).await;
    // Out of the package, it refuses everybody for 15 s after a login of its own failed.
    let settings = [("default_pool_size", "6"), ("server_login_retry", "1")];
    let pooler = PgBouncer::in_front_of_with(&server, &settings).await;
    let url = pooler.url();
    open("the_bank_behind_pgbouncer_is_right_to_the_penny", server, url).await;
    drop(pooler);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB, and a minute"]
async fn the_bank_over_mariadb_is_right_to_the_penny() {
    if let Some(orders) = clerk::orders() {
        let at = |url: &str| MySql::at(&ConnectUrl::parse(url).unwrap()).unwrap();
        return clerk::serve(orders, at).await;
    }
    let server = MariaDb::start().await;
    let url = server.url();
    open("the_bank_over_mariadb_is_right_to_the_penny", server, url).await;
}
