//! A pool within a transaction that is never committed; over SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[macro_use]
mod common;

#[path = "common/sandbox.rs"]
mod shared;

use common::{self as place, Place, failure, insert};
use sessionpool_sql::{Sandbox, SqlFailure};

rules! {
    shared: the_application_works_as_ever_and_leaves_no_trace,
}

#[tokio::test]
async fn nobody_ends_the_sandbox_by_hand() {
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 4).await;
    for sql in ["commit", "insert into t values (6); commit"] {
        let error = sqlx::raw_sql(sql).execute(&mut *lease).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{sql}: {error}");
    }
    let error = lease.connection().unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    drop(lease);
    let mut lease = sandbox.acquire().await.unwrap();
    let seen: Vec<i64> =
        sqlx::query_scalar("select x from t").fetch_all(&mut *lease).await.unwrap();
    assert_eq!(seen, [4]);
    drop(lease);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn what_a_borrower_touched_does_not_cost_the_session() {
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    // Elsewhere it would cost the session.
    sqlx::query("pragma foreign_keys").execute(&mut *lease).await.unwrap();
    drop(lease);
    let mut lease = sandbox.acquire().await.unwrap();
    let seen: Vec<i64> =
        sqlx::query_scalar("select x from t").fetch_all(&mut *lease).await.unwrap();
    assert_eq!(seen, [1]);
}
