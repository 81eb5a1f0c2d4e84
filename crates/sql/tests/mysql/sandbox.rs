//! A pool within a transaction that is never committed.

use std::time::Duration;

use sessionpool_core::{CommitOutcome, Pool, TxError, TxOptions};
use sessionpool_sql::{MySqlSession, Sandbox, Script, SqlFailure};
use sqlx::Executor;

use crate::place::{Place, SOON, failure, insert, number, one, run};

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

async fn sandbox(place: &Place) -> Pool<MySqlSession> {
    let pool = Pool::builder(place.mysql()).max_size(2).acquire_timeout(SOON).build().unwrap();
    pool.sandbox().await.unwrap()
}

async fn count(pool: &Pool<MySqlSession>) -> i64 {
    one(&mut pool.acquire().await.unwrap(), "select count(*) from t").await
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_application_works_as_ever_and_leaves_no_trace() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let done = sandbox.transaction(async |tx| {
        insert(tx, 1).await;
        let inner = tx.savepoint(async |tx| {
            insert(tx, 2).await;
            Err::<(), _>(Failed::OnPurpose)
        });
        assert!(inner.await.is_err());
        Ok::<_, Failed>(())
    });
    Box::pin(done).await.unwrap();
    let mut unit = sandbox.unit();
    insert(Box::pin(unit.session()).await.unwrap(), 3).await;
    Box::pin(unit.commit()).await.unwrap();
    insert(Box::pin(unit.session()).await.unwrap(), 4).await;
    Box::pin(unit.rollback()).await.unwrap();
    drop(unit);
    insert(&mut sandbox.acquire().await.unwrap(), 5).await;
    let undone = sandbox.transaction(async |tx| {
        insert(tx, 6).await;
        Err::<(), _>(Failed::OnPurpose)
    });
    assert!(Box::pin(undone).await.is_err());
    let outcome =
        sandbox.acquire().await.unwrap().run(&Script::new("insert into t values (7)")).await;
    assert!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");

    let mut lease = sandbox.acquire().await.unwrap();
    let seen: Vec<i64> =
        sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap();
    assert_eq!(seen, [1, 3, 5, 7]);
    drop(lease);
    assert_eq!(place.rows().await, "", "nobody else sees it");
    assert!(sandbox.close(SOON).await.is_complete());
    assert_eq!(place.rows().await, "", "and nothing has been");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn statements_outside_of_units_stand_and_fall_alone() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    let twice = lease.execute("insert into t values (1)").await.unwrap_err();
    assert_eq!(number(&twice), 1062);
    insert(&mut lease, 2).await;
    drop(lease);
    assert_eq!(count(&sandbox).await, 2);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_settings_of_a_unit_end_with_it() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let look = "select coalesce(@`app.tenant`, 0) * 100 + @@innodb_lock_wait_timeout";
    for fails in [false, true] {
        let options =
            TxOptions::new().lock_timeout(Duration::from_secs(5)).setting("app.tenant", "7");
        let done = sandbox.transaction_in(options, async |tx| {
            assert_eq!(one(tx, look).await, 705);
            if fails { Err(Failed::OnPurpose) } else { Ok(()) }
        });
        assert_eq!(Box::pin(done).await.is_err(), fails);
        let mut lease = sandbox.acquire().await.unwrap();
        assert_eq!(one(&mut lease, look).await, 50);
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn nobody_ends_the_sandbox_by_hand() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    run(&mut lease, "set @mine = 1").await;
    for sql in ["commit", "rollback", "begin", "select 1; commit", "create table u (x int)"] {
        let error = lease.execute(sql).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{sql}: {error}");
    }
    let error = lease.connection().await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    drop(lease);
    assert_eq!(count(&sandbox).await, 1);
    drop(sandbox);
    assert_eq!(place.rows().await, "");
}
