//! A pool within a transaction that is never committed; over SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

#[macro_use]
mod common;

#[path = "common/sandbox.rs"]
mod shared;

use common::{self as place, ENDLESS, LONG, LONG_ROWS, Place, drop_half_way, failure, insert, one};
use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Transactional, TxOptions};
use sessionpool_sql::{SqlFailure, SqliteSession};
use shared::{count, sandbox};
use tokio::time::timeout;

rules! {
    shared:
    nobody_ends_the_sandbox_by_hand,
    statements_outside_of_units_stand_and_fall_alone,
    the_application_works_as_ever_and_leaves_no_trace,
}

#[tokio::test]
async fn nobody_has_the_raw_connection() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 4).await;
    let error = lease.connection().unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    drop(lease);
    assert_eq!(one(&mut sandbox.acquire().await.unwrap(), "select x from t").await, 4);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn what_a_borrower_touched_does_not_cost_the_session() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
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
    let sandbox = sandbox(&place).await;
    insert(&mut sandbox.acquire().await.unwrap(), -1).await;

    let mut lease = sandbox.acquire().await.unwrap();
    SqliteSession::begin(&mut lease, &TxOptions::new()).await.unwrap();
    insert(&mut lease, -2).await;
    drop_half_way(&mut lease, LONG);
    let outcome = SqliteSession::commit(&mut lease).await;
    assert!(matches!(outcome, CommitOutcome::RolledBack(Some(_))), "{outcome:?}");
    drop(lease);
    assert_eq!(count(&sandbox).await, 1, "the unit's are gone");

    // Without a unit around it, it is kept as any statement is.
    let mut lease = sandbox.acquire().await.unwrap();
    drop_half_way(&mut lease, LONG);
    drop(lease);
    assert_eq!(count(&sandbox).await, 1 + LONG_ROWS as i64);
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn a_dropped_read_is_stopped_in_a_sandbox_too() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    let read = sqlx::query(ENDLESS).execute(&mut *lease);
    assert!(timeout(Duration::from_millis(200), read).await.is_err());
    insert(&mut lease, 2).await;
    drop(lease);
    assert_eq!(count(&sandbox).await, 2);
}

/// Before a statement is sent, the one before it is kept: of that the driver's thread does
/// the first half, and sees then that nobody listens.
#[tokio::test]
async fn what_is_dropped_while_it_is_kept_is_kept() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    for x in 0..10 {
        insert(&mut lease, x).await;
        drop_half_way(&mut lease, ENDLESS);
        sqlx::query("insert into t values (0)").execute(&mut *lease).await.unwrap_err();
    }
    drop(lease);
    assert_eq!(count(&sandbox).await, 10);

    let mut lease = sandbox.acquire().await.unwrap();
    SqliteSession::begin(&mut lease, &TxOptions::new()).await.unwrap();
    insert(&mut lease, 10).await;
    // At once, or dropped half way: then, too, it comes to its end.
    let _ = SqliteSession::commit(&mut lease).now_or_never();
    drop(lease);
    assert_eq!(count(&sandbox).await, 11);
}
