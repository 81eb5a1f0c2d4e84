//! A pool within a transaction that is never committed; over SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[macro_use]
mod common;

#[path = "common/sandbox.rs"]
mod shared;

use common::{self as place, LONG, LONG_ROWS, Place, failure, insert};
use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Condition, Transactional, TxOptions};
use sessionpool_sql::{Sandbox, SqlFailure, SqliteSession};

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

/// Stopped in the middle of a write, SQLite would undo the sandbox.
#[tokio::test]
async fn a_dropped_write_does_not_cost_the_sandbox() {
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    insert(&mut sandbox.acquire().await.unwrap(), -1).await;

    let mut lease = sandbox.acquire().await.unwrap();
    SqliteSession::begin(&mut lease, &TxOptions::new()).await.unwrap();
    insert(&mut lease, -2).await;
    drop_half_way(&mut lease, LONG);
    let outcome = SqliteSession::commit(&mut lease).await;
    assert!(matches!(outcome, CommitOutcome::RolledBack(Some(_))), "{outcome:?}");
    drop(lease);
    assert_eq!(count(&mut sandbox.acquire().await.unwrap()).await, 1, "the unit's are gone");

    // Without a unit around it, it is kept as any statement is.
    let mut lease = sandbox.acquire().await.unwrap();
    drop_half_way(&mut lease, LONG);
    drop(lease);
    assert_eq!(count(&mut sandbox.acquire().await.unwrap()).await, 1 + LONG_ROWS);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}

#[track_caller]
fn drop_half_way(session: &mut SqliteSession, sql: &'static str) {
    assert!(sqlx::query(sql).execute(&mut *session).now_or_never().is_none());
    assert_eq!(condition(session), Condition::Busy);
}

fn condition(session: &SqliteSession) -> Condition {
    sessionpool_core::Session::condition(session)
}

async fn count(session: &mut SqliteSession) -> usize {
    let rows: Vec<i64> = sqlx::query_scalar("select x from t").fetch_all(session).await.unwrap();
    rows.len()
}
