//! A pool within a transaction that is never committed.

use std::time::Duration;

use sessionpool_core::{Session, TxOptions};
use sessionpool_sql::SqlFailure;
use sqlx::Executor;

use crate::place::{Failed, Place, failure, insert, one, run};

#[path = "../common/sandbox.rs"]
mod shared;

use shared::{count, sandbox};

rules! {
    #[ignore = "needs MariaDB"]
    shared:
    nobody_ends_the_sandbox_by_hand,
    statements_outside_of_units_stand_and_fall_alone,
    the_application_works_as_ever_and_leaves_no_trace,
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
async fn what_commits_by_itself_is_refused() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    run(&mut lease, "set @mine = 1").await;
    let error = lease.execute("create table u (x int)").await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    let error = lease.connection().await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    drop(lease);
    assert_eq!(count(&sandbox).await, 1);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}
