//! What the pages say of other pools, where it is news: seen, not believed.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sessionpool::{Pool, sql::Sqlite};
use sessionpool_testkit::server;
use sqlx::Connection;
use tokio::time::{sleep, timeout};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A manager for bb8 whose first openings hang.
#[derive(Clone, Debug, Default)]
struct Exchange {
    opened: Arc<AtomicUsize>,
    hangs: usize,
}

impl bb8::ManageConnection for Exchange {
    type Connection = usize;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<usize> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        if number < self.hangs {
            future::pending::<()>().await;
        }
        Ok(number)
    }

    async fn is_valid(&self, _: &mut usize) -> io::Result<()> {
        Ok(())
    }

    fn has_broken(&self, _: &mut usize) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn an_opening_of_bb8s_that_hangs_keeps_its_place() {
    let exchange = Exchange { hangs: 1, ..Exchange::default() };
    let pool = bb8::Pool::builder().max_size(1).build_unchecked(exchange.clone());
    for _ in 0..5 {
        assert!(matches!(pool.get().await, Err(bb8::RunError::TimedOut)));
    }
    assert_eq!(exchange.opened.load(Ordering::Relaxed), 1, "none after it");
}

#[tokio::test(start_paused = true)]
async fn bb8_serves_newcomers_before_those_who_wait() {
    let pool = bb8::Pool::builder().max_size(1).build_unchecked(Exchange::default());
    let held = pool.get_owned().await.unwrap();
    let patient = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get_owned().await.unwrap() }
    });
    sleep(secs(1)).await;
    drop(held);
    let newcomer = timeout(secs(1), pool.get()).await.unwrap().unwrap();
    sleep(secs(1)).await;
    assert!(!patient.is_finished());
    drop(newcomer);
    patient.await.unwrap();
}

/// Real time: bb8 looks at the system's clock.
#[tokio::test]
async fn bb8_ends_idle_connections_below_min_idle_and_opens_others() {
    let exchange = Exchange::default();
    let brief = Duration::from_millis(20);
    let builder = bb8::Pool::builder().min_idle(2).idle_timeout(brief).reaper_rate(brief);
    let _pool = builder.build(exchange.clone()).await.unwrap();
    let replaced = async {
        while exchange.opened.load(Ordering::Relaxed) < 4 {
            sleep(brief).await;
        }
    };
    timeout(secs(20), replaced).await.expect("nobody asked for one, and both are new");
}

#[tokio::test]
async fn an_object_of_deadpools_is_idle_from_the_last_get_on() {
    let pool = deadpool::managed::Pool::<Slow>::builder(Slow).max_size(1).build().unwrap();
    drop(pool.get().await.unwrap());
    let object = pool.get().await.unwrap();
    let taken = std::time::Instant::now();
    drop(object);
    let mut last_used = None;
    pool.retain(|_, metrics| {
        last_used = metrics.recycled;
        true
    });
    assert!(last_used.unwrap() <= taken, "not when it came back");
}

struct Slow;

impl deadpool::managed::Manager for Slow {
    type Type = ();
    type Error = io::Error;

    async fn create(&self) -> io::Result<()> {
        Ok(())
    }

    async fn recycle(
        &self,
        (): &mut (),
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<io::Error> {
        Ok(())
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_of_sqlxs_says_ok_of_a_transaction_that_failed() {
    let url = server::Postgres::shared().await.url();
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    sqlx::query("create table orders (x int)").execute(&mut connection).await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    sqlx::query("insert into orders values (1)").execute(&mut *tx).await.unwrap();
    assert!(sqlx::query("select nonsense").execute(&mut *tx).await.is_err());
    tx.commit().await.unwrap();
    let orders: i64 =
        sqlx::query_scalar("select count(*) from orders").fetch_one(&mut connection).await.unwrap();
    assert_eq!(orders, 0);
}

#[tokio::test]
async fn a_database_in_memory_is_gone_with_sqlxs_last_connection_and_stays_with_ours() {
    let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let theirs = options.connect("sqlite::memory:").await.unwrap();
    sqlx::query("create table orders (x int)").execute(&theirs).await.unwrap();
    theirs.acquire().await.unwrap().close().await.unwrap();
    assert!(sqlx::query("select x from orders").execute(&theirs).await.is_err());

    let ours = Pool::builder(Sqlite::memory("peers")).build().unwrap();
    let create = "create table orders (x int)";
    sqlx::query(create).execute(&mut *ours.acquire().await.unwrap()).await.unwrap();
    ours.acquire().await.unwrap().discard();
    let select = "select x from orders";
    sqlx::query(select).execute(&mut *ours.acquire().await.unwrap()).await.unwrap();
}
