//! A pool within a transaction that is never committed.

use std::time::Duration;

use sessionpool_core::{CommitOutcome, Pool, Session, TxOptions};
use sessionpool_sql::{MySqlSession, Sandbox, Script, SqlFailure};
use sqlx::Executor;

use crate::place::{Place, failure, insert, number, one, run};

#[path = "../common/sandbox.rs"]
mod shared;

use shared::Failed;

rules! {
    #[ignore = "needs MariaDB"]
    shared: the_application_works_as_ever_and_leaves_no_trace,
}

async fn sandbox(place: &Place) -> Pool<MySqlSession> {
    place.pool().sandbox().await.unwrap()
}

/// Ended before its server does it, it would be lost all the same.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_sandbox_is_not_ended_for_lying_idle() {
    let place = Place::new().await;
    assert!(place.session().await.idle_limit().is_some());
    assert_eq!(sandbox(&place).await.acquire().await.unwrap().idle_limit(), None);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_script_is_kept_within_the_sandbox() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let script = Script::new("insert into t values (7)");
    let outcome = sandbox.acquire().await.unwrap().run(&script).await;
    assert!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");
    assert_eq!(one(&mut sandbox.acquire().await.unwrap(), "select x from t").await, 7);
    assert!(place.rows().await.is_empty());
}

async fn count(pool: &Pool<MySqlSession>) -> i64 {
    one(&mut pool.acquire().await.unwrap(), "select count(*) from t").await
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
