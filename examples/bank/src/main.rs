//! A bank: 16 tasks move money between accounts, and none is lost.
//!
//! `cargo run -p bank [URL]`; with a URL like `postgres://user:password@host/database`, on
//! PostgreSQL, where the table `account` is made anew; without one, on SQLite in memory.

mod ledger;
mod transfer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sessionpool::sql::{ConnectUrl, Postgres, Sandbox, Sqlite};
use sessionpool::{Backend, Pool, TxOptions};
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::transfer::{CLASS, transfer};

const ACCOUNTS: i64 = 10;
const BALANCE: i64 = 1_000;
const TASKS: usize = 16;
const TRANSFERS: usize = 25;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return bank(Sqlite::memory("bank")).await;
    };
    let url = ConnectUrl::parse(&url)?;
    match url.backend_name() {
        "sqlite" => bank(Sqlite::try_from(&url)?).await,
        _ => bank(Postgres::at(&url)?).await,
    }
}

async fn bank<B: Backend<Session: Ledger>>(backend: B) -> anyhow::Result<()>
where
    Pool<B::Session>: Sandbox<B::Session>,
{
    let pool = Pool::builder(backend).name("bank").max_size(4).limit(CLASS, 3).build()?;
    pool.transaction(async |tx| anyhow::Ok(tx.found(ACCOUNTS, BALANCE).await?)).await?;
    println!("accounts: {ACCOUNTS}, with {} in all", total(&pool).await?);

    rehearse(&pool).await?;
    open_one_more(&pool).await?;
    let (moved, runs) = trade(&pool).await?;
    println!("transfers: {moved} of {}, in {runs} runs", TASKS * TRANSFERS);
    println!("total: {}", total(&pool).await?);
    println!("closed: {}", pool.close(Duration::from_secs(5)).await);
    Ok(())
}

async fn total<S: Ledger>(pool: &Pool<S>) -> anyhow::Result<i64> {
    let mut lease = pool.acquire().await?;
    Ok(lease.total().await?)
}

/// The bank's own code, on a pool whose work nobody else sees and nothing is left of.
async fn rehearse<S: Ledger>(pool: &Pool<S>) -> anyhow::Result<()>
where
    Pool<S>: Sandbox<S>,
{
    let sandbox = pool.sandbox().await?;
    sandbox.transaction(async |tx| anyhow::Ok(tx.add(0, 1_000_000).await?)).await?;
    println!("total in the sandbox: {}", total(&sandbox).await?);
    sandbox.close(Duration::from_secs(5)).await;
    println!("total after it: {}", total(pool).await?);
    Ok(())
}

/// By hand, with a savepoint that fails and is undone alone.
async fn open_one_more<S: Ledger>(pool: &Pool<S>) -> anyhow::Result<()> {
    let mut unit = pool.unit_in(TxOptions::new());
    unit.session().await?.open(ACCOUNTS, 0).await?;
    let twice = unit.savepoint(async |tx| anyhow::Ok(tx.open(ACCOUNTS, 0).await?)).await;
    println!(
        "the same account a second time: {}",
        if twice.is_err() { "refused" } else { "opened" }
    );
    unit.on_commit(async { println!("opened: account {ACCOUNTS}") });
    unit.commit().await?;
    Ok(())
}

/// Answers how many transfers were made, and in how many runs.
async fn trade<S: Ledger>(pool: &Pool<S>) -> anyhow::Result<(usize, u64)> {
    let runs = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (pool, runs) = (pool.clone(), Arc::clone(&runs));
        tasks.spawn(async move {
            let mut moved = 0;
            for _ in 0..TRANSFERS {
                let (from, to) = (fastrand::i64(0..ACCOUNTS), fastrand::i64(0..=ACCOUNTS));
                moved += usize::from(transfer(&pool, from, to, fastrand::i64(1..50), &runs).await?);
            }
            anyhow::Ok(moved)
        });
    }
    let mut moved = 0;
    while let Some(task) = tasks.join_next().await {
        moved += task??;
    }
    Ok((moved, runs.load(Ordering::Relaxed)))
}
