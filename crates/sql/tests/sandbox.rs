//! A pool within a transaction that is never committed; over SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

#[macro_use]
mod common;

#[path = "common/sandbox.rs"]
mod shared;

use common::{self as place, LONG, LONG_ROWS, Place, failure, insert};
use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Condition, Transactional, TxOptions};
use sessionpool_sql::{Sandbox, SqlFailure, SqliteSession};
use tokio::time::timeout;

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

#[tokio::test]
async fn a_dropped_read_is_stopped_in_a_sandbox_too() {
    let endless = "select count(*) from (with recursive n (i) as \
                   (values (1) union all select i + 1 from n) select i from n)";
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    let read = sqlx::query(endless).execute(&mut *lease);
    assert!(timeout(Duration::from_millis(200), read).await.is_err());
    insert(&mut lease, 2).await;
    drop(lease);
    assert_eq!(count(&mut sandbox.acquire().await.unwrap()).await, 2);
}

/// Before a statement is sent, the one before it is kept: of that the driver's thread does
/// the first half, and sees then that nobody listens.
#[tokio::test]
async fn what_is_dropped_while_it_is_kept_is_kept() {
    let place = Place::new().await;
    let sandbox = place.pool().sandbox().await.unwrap();
    let mut lease = sandbox.acquire().await.unwrap();
    for x in 0..10 {
        insert(&mut lease, x).await;
        drop_half_way(&mut lease, "select 1");
        sqlx::query("insert into t values (0)").execute(&mut *lease).await.unwrap_err();
    }
    drop(lease);
    assert_eq!(count(&mut sandbox.acquire().await.unwrap()).await, 10);

    let mut lease = sandbox.acquire().await.unwrap();
    SqliteSession::begin(&mut lease, &TxOptions::new()).await.unwrap();
    insert(&mut lease, 10).await;
    assert!(SqliteSession::commit(&mut lease).now_or_never().is_none());
    drop(lease);
    assert_eq!(count(&mut sandbox.acquire().await.unwrap()).await, 11);
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
