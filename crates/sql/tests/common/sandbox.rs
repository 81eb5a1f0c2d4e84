//! Rules of a pool within a transaction that is never committed, over whichever
//! database's `place` this is compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use sessionpool_core::Pool;
use sessionpool_sql::{Sandbox, SqlFailure};
use sqlx::Executor;

use crate::place::{Failed, Lent, Place, UNIQUE, code, failure, insert, one};

pub(crate) async fn sandbox(place: &Place) -> Pool<Lent> {
    place.pool().sandbox().await.unwrap()
}

/// How many rows those see who are in it.
pub(crate) async fn count(sandbox: &Pool<Lent>) -> i64 {
    one(&mut sandbox.acquire().await.unwrap(), "select count(*) from t").await
}

pub(crate) async fn the_application_works_as_ever_and_leaves_no_trace() {
    let place = Place::new().await;
    let pool = place.pool();
    let sandbox = pool.sandbox().await.unwrap();
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

    let mut lease = sandbox.acquire().await.unwrap();
    assert!(lease.execute("insert into t values (5)").await.is_err(), "it is there");
    let seen: Vec<i64> =
        sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap();
    assert_eq!(seen, [1, 3, 5]);
    drop(lease);
    assert!(place.rows().await.is_empty(), "nobody else sees it");
    assert!(sandbox.close(Duration::from_secs(20)).await.is_complete());
    assert!(place.rows().await.is_empty(), "and nothing has been");
    insert(&mut pool.acquire().await.unwrap(), 7).await;
    assert!(!place.rows().await.is_empty(), "the pool itself goes on");
}

pub(crate) async fn statements_outside_of_units_stand_and_fall_alone() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    let twice = lease.execute("insert into t values (1)").await.unwrap_err();
    assert_eq!(code(&twice), UNIQUE);
    insert(&mut lease, 2).await;
    assert!(lease.execute("select nonsense").await.is_err());
    drop(lease);
    assert_eq!(count(&sandbox).await, 2);
    let unit = sandbox.transaction(async |tx| {
        insert(tx, 3).await;
        Ok::<_, Failed>(())
    });
    Box::pin(unit).await.unwrap();
    assert_eq!(count(&sandbox).await, 3);
}

pub(crate) async fn nobody_ends_the_sandbox_by_hand() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    for sql in
        ["commit", "rollback", "begin", "select 1; commit", "insert into t values (6); commit"]
    {
        let error = lease.execute(sql).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{sql}: {error}");
    }
    drop(lease);
    let unit = sandbox.transaction(async |tx| {
        assert!(tx.execute("commit").await.is_err());
        insert(tx, 2).await;
        Ok::<_, Failed>(())
    });
    Box::pin(unit).await.unwrap();
    assert_eq!(count(&sandbox).await, 2);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}
