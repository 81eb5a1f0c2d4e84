//! A pool over SQLite, used as a newcomer would.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::{Duration, Instant};

use anyhow::bail;
use sessionpool::sql::{BeginMode, SqlFailure, Sqlite, SqliteSession};
use sessionpool::{AcquireError, Fault, Pool, PoolBuilder, Retry, TxError, TxOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A pool over a file with a table `t (x)`.
struct Shop {
    pool: Pool<SqliteSession>,
    folder: TempDir,
}

impl Shop {
    async fn new(
        set_up: impl FnOnce(PoolBuilder<SqliteSession>) -> PoolBuilder<SqliteSession>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let builder = Pool::builder(Sqlite::file(folder.path().join("shop.db")));
        let pool = set_up(builder.acquire_timeout(Duration::from_secs(10))).build().unwrap();
        let mut lease = pool.acquire().await.unwrap();
        let table = "create table t (x integer primary key)";
        sqlx::query(table).execute(&mut *lease).await.unwrap();
        drop(lease);
        Self { pool, folder }
    }

    /// A pool of one session: whoever comes next gets what the last one left.
    async fn of_one() -> Self {
        Self::new(|pool| pool.max_size(1)).await
    }

    async fn rows(&self) -> Vec<i64> {
        let mut lease = self.pool.acquire().await.unwrap();
        sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap()
    }
}

async fn insert(session: &mut SqliteSession, x: i64) -> sqlx::Result<()> {
    sqlx::query("insert into t values (?)").bind(x).execute(session).await.map(drop)
}

#[tokio::test]
async fn queries_run_on_leases_transactions_and_units() {
    let shop = Shop::of_one().await;
    let pool = &shop.pool;

    let mut lease = pool.acquire().await.unwrap();
    sqlx::query("insert into t values (1)").execute(&mut *lease).await.unwrap();
    assert_eq!(sqlx::query("select x from t").fetch_all(&mut *lease).await.unwrap().len(), 1);
    lease.release().await.unwrap();

    let written = pool.transaction(async |tx| {
        let done = sqlx::query("insert into t values (2)").execute(&mut **tx).await?;
        anyhow::Ok(done.rows_affected())
    });
    assert_eq!(written.await.unwrap(), 1);

    let mut unit = pool.unit();
    sqlx::query("insert into t values (3)").execute(unit.session().await.unwrap()).await.unwrap();
    unit.commit().await.unwrap();
    sqlx::query("insert into t values (4)").execute(unit.session().await.unwrap()).await.unwrap();
    unit.close().await.unwrap();

    let rows: Vec<i64> = pool
        .with(async |lease| {
            anyhow::Ok(
                sqlx::query_scalar("select x from t order by x").fetch_all(&mut **lease).await?,
            )
        })
        .await
        .unwrap();
    assert_eq!(rows, [1, 2, 3]);

    let status = pool.status();
    assert_eq!(status.counters.opened, 1, "clean sessions are lent again: {status}");
}

#[tokio::test]
async fn many_tasks_share_a_few_sessions() {
    let shop = Shop::new(|pool| pool.max_size(4)).await;
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let pool = shop.pool.clone();
        tasks.spawn(async move {
            for unit in 0..10 {
                pool.transaction(async |tx| anyhow::Ok(insert(tx, task * 10 + unit).await?))
                    .await
                    .unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(shop.rows().await, (0..160).collect::<Vec<_>>());
    let status = shop.pool.status();
    assert!(status.counters.opened <= 4, "{status}");
}

#[tokio::test]
async fn a_touched_session_is_replaced() {
    let shop = Shop::of_one().await;
    let mut lease = shop.pool.acquire().await.unwrap();
    sqlx::query("pragma foreign_keys = off").execute(&mut *lease).await.unwrap();
    drop(lease);

    let mut lease = shop.pool.acquire().await.unwrap();
    let enforced: i64 =
        sqlx::query_scalar("pragma foreign_keys").fetch_one(&mut *lease).await.unwrap();
    assert_eq!(enforced, 1, "the next borrower met the last one's setting");
    let error = lease.release().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().downcast_ref().unwrap();
    assert!(matches!(SqlFailure::of(cause), Some(SqlFailure::Touched { .. })));
    assert_eq!(shop.pool.status().counters.opened, 2);
}

#[tokio::test]
async fn what_a_lease_left_open_is_rolled_back() {
    let shop = Shop::of_one().await;
    let mut lease = shop.pool.acquire().await.unwrap();
    sqlx::query("begin").execute(&mut *lease).await.unwrap();
    insert(&mut lease, 1).await.unwrap();
    drop(lease);
    assert!(shop.rows().await.is_empty());
    assert_eq!(shop.pool.status().counters.opened, 1);
}

#[tokio::test]
async fn errors_and_panics_roll_back() {
    let shop = Shop::of_one().await;
    let failed = shop.pool.transaction(async |tx| {
        insert(tx, 1).await?;
        bail!("on second thoughts")
    });
    let failed: anyhow::Result<()> = failed.await;
    assert_eq!(failed.unwrap_err().to_string(), "on second thoughts");
    assert!(shop.rows().await.is_empty());

    let pool = shop.pool.clone();
    let panicked = tokio::spawn(async move {
        let work = pool.transaction(async |tx| {
            insert(tx, 2).await?;
            panic!("on purpose")
        });
        let done: anyhow::Result<()> = work.await;
        done
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert!(shop.rows().await.is_empty());
}

#[tokio::test]
async fn a_cancelled_transaction_leaves_nothing() {
    let shop = Shop::of_one().await;
    let long = "insert into t with recursive n (i) as \
        (values (1) union all select i + 1 from n where i < 200000) select i from n";
    let work = shop.pool.transaction(async |tx| {
        insert(tx, 0).await?;
        sqlx::query(long).execute(&mut **tx).await?;
        anyhow::Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(5), work).await.is_err());
    // Served once the session is clean again: the statement is over, the lock free.
    assert!(shop.rows().await.is_empty());
    shop.pool.transaction(async |tx| anyhow::Ok(insert(tx, 1).await?)).await.unwrap();
    assert_eq!(shop.rows().await, [1]);
}

#[tokio::test]
async fn a_read_only_unit_does_not_bind_the_next() {
    let shop = Shop::of_one().await;
    let refused = shop
        .pool
        .transaction_in(TxOptions::new().read_only(), async |tx| anyhow::Ok(insert(tx, 1).await?));
    assert!(refused.await.unwrap_err().to_string().contains("readonly"));
    let left = shop.pool.unit_in(TxOptions::new().read_only()).session().await.map(drop);
    left.unwrap();
    shop.pool.transaction(async |tx| anyhow::Ok(insert(tx, 2).await?)).await.unwrap();
    assert_eq!(shop.rows().await, [2]);
    assert_eq!(shop.pool.status().counters.opened, 1);
}

#[tokio::test]
async fn savepoints_nest_and_the_outer_work_is_kept() {
    let shop = Shop::of_one().await;
    shop.pool
        .transaction(async |tx| {
            insert(tx, 1).await?;
            let undone = tx.savepoint(async |tx| {
                insert(tx, 2).await?;
                tx.savepoint(async |tx| anyhow::Ok(insert(tx, 3).await?)).await?;
                bail!("not these")
            });
            let undone: anyhow::Result<()> = undone.await;
            assert!(undone.is_err());
            tx.savepoint(async |tx| anyhow::Ok(insert(tx, 4).await?)).await
        })
        .await
        .unwrap();
    assert_eq!(shop.rows().await, [1, 4]);
}

#[tokio::test]
async fn a_commit_that_did_not_happen_is_an_error() {
    let shop = Shop::of_one().await;
    let mut lease = shop.pool.acquire().await.unwrap();
    sqlx::query("create table child (x references t (x) deferrable initially deferred)")
        .execute(&mut *lease)
        .await
        .unwrap();
    lease.release().await.unwrap();

    let refused = shop.pool.transaction(async |tx| {
        insert(tx, 1).await?;
        sqlx::query("insert into child values (2)").execute(&mut **tx).await?;
        anyhow::Ok(())
    });
    let error = refused.await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(TxError::RolledBack { .. })), "{error:?}");
    assert!(shop.rows().await.is_empty());

    let by_hand = shop.pool.transaction(async |tx| {
        insert(tx, 1).await?;
        sqlx::query("commit").execute(&mut **tx).await?;
        anyhow::Ok(())
    });
    let error = by_hand.await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(TxError::OutcomeUnknown { .. })), "{error:?}");
    assert_eq!(shop.rows().await, [1]);
}

#[tokio::test]
async fn a_database_in_memory_outlives_its_idle_sessions() {
    let pool = Pool::builder(Sqlite::memory("outlives"))
        .idle_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let mut lease = pool.acquire().await.unwrap();
    sqlx::query("create table t (x)").execute(&mut *lease).await.unwrap();
    insert(&mut lease, 1).await.unwrap();
    lease.release().await.unwrap();

    let deadline = Instant::now() + Duration::from_secs(10);
    while pool.status().size() > 0 {
        assert!(Instant::now() < deadline, "{}", pool.status());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut lease = pool.acquire().await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut *lease).await.unwrap();
    assert_eq!(rows, 1);
    assert_eq!(pool.status().counters.opened, 2);
}

#[tokio::test]
async fn a_missing_directory_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::builder(Sqlite::file(folder.path().join("missing/shop.db"))).build().unwrap();
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(pool.status().counters.open_failed, 1, "trying again does not help");
    let AcquireError::Failed { fault, cause, .. } = error else { panic!("{error:?}") };
    assert_eq!(fault, Fault::Rejected);
    let cause = cause.downcast_ref::<sqlx::Error>().unwrap();
    assert!(matches!(SqlFailure::of(cause), Some(SqlFailure::Open { .. })));
}

#[tokio::test]
async fn closing_the_pool_closes_the_file() {
    let shop = Shop::new(|pool| pool.max_size(3)).await;
    let leases = [shop.pool.acquire().await.unwrap(), shop.pool.acquire().await.unwrap()];
    drop(leases);
    let report = shop.pool.close(Duration::from_secs(10)).await;
    assert!(report.is_complete(), "{report}");
    // The last connection takes its log along.
    let left: Vec<_> = std::fs::read_dir(shop.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["shop.db"]);
}

/// Two deferred units that read before they write: the second to write has lost.
#[tokio::test]
async fn a_unit_that_loses_its_snapshot_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Sqlite::file(folder.path().join("retry.db")).begin_mode(BeginMode::Deferred);
    let pool = Pool::builder(backend).max_size(2).build().unwrap();
    let run = async |sql: &'static str| {
        let mut lease = pool.acquire().await.unwrap();
        sqlx::query(sql).execute(&mut *lease).await.unwrap();
    };
    run("create table counter (n integer)").await;
    run("insert into counter values (0)").await;

    let runs = std::sync::atomic::AtomicUsize::new(0);
    pool.transaction_with(Retry::on_conflict(3), async |tx| {
        let n: i64 = sqlx::query_scalar("select n from counter").fetch_one(&mut **tx).await?;
        if runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            run("update counter set n = n + 10").await; // somebody else was faster
        }
        sqlx::query("update counter set n = ?").bind(n + 1).execute(&mut **tx).await?;
        Ok::<_, anyhow::Error>(())
    })
    .await
    .unwrap();
    assert_eq!(runs.into_inner(), 2);
    let mut lease = pool.acquire().await.unwrap();
    let n: i64 = sqlx::query_scalar("select n from counter").fetch_one(&mut *lease).await.unwrap();
    assert_eq!(n, 11);
}
