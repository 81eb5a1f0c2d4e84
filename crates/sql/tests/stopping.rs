//! A statement of a dropped future is stopped, and nothing else is.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::{
    ENDLESS, LONG, LONG_ROWS, Place, SOON, assert_clean, begin, commit, drop_half_way, insert, run,
};
use sessionpool_core::{Backend, CommitOutcome, Condition, Pool, Session, Transactional};
use sessionpool_sql::{Sqlite, SqliteSession};
use sessionpool_testkit::conformance::cut;
use tokio::time::timeout;

/// Writes, and never comes to an end.
const ENDLESS_WRITE: &str = "insert into t with recursive n (i) as \
                             (values (1) union all select i + 1 from n) \
                             select i from n where i = 1 or i < 0";

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.expect("the statement is still running")
}

async fn one(session: &mut SqliteSession) -> i64 {
    sqlx::query_scalar("select 1").fetch_one(session).await.unwrap()
}

#[tokio::test]
async fn release_stops_what_was_dropped() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in [ENDLESS, ENDLESS_WRITE] {
        drop_half_way(&mut session, sql);
        soon(SqliteSession::release(&mut session)).await.unwrap();
        assert_clean(&session);
        assert_eq!(one(&mut session).await, 1);
    }
    assert!(place.rows().await.is_empty(), "a write that was stopped has left something");
}

#[tokio::test]
async fn a_place_comes_back_from_a_statement_without_an_end() {
    let pool = Pool::builder(Sqlite::memory("endless")).max_size(1).build().unwrap();
    for _ in 0..3 {
        let mut lease = pool.acquire().await.unwrap();
        drop_half_way(&mut lease, ENDLESS);
        drop(lease);
        assert_eq!(one(&mut soon(pool.acquire()).await.unwrap()).await, 1);
    }
    let counters = pool.status().counters;
    assert_eq!((counters.opened, counters.closed.total()), (1, 0), "{counters:?}");
    pool.close(SOON).await;
}

#[tokio::test]
async fn a_read_that_is_stopped_does_not_cost_its_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, ENDLESS);
    soon(insert(&mut session, 2)).await;
    drop_half_way(&mut session, ENDLESS);
    soon(commit(&mut session)).await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
async fn a_write_that_is_stopped_undoes_its_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 7).await;
    drop_half_way(&mut session, ENDLESS_WRITE);
    // SQLite has rolled back by itself, and what comes after is not committed alone.
    soon(sqlx::query("insert into t values (8)").execute(&mut session)).await.unwrap_err();
    let outcome = SqliteSession::commit(&mut session).await;
    assert!(matches!(outcome, CommitOutcome::RolledBack(_)), "{outcome:?}");
    assert!(place.rows().await.is_empty());
    insert(&mut session, 9).await;
    assert_eq!(place.rows().await, [9]);
}

#[tokio::test]
async fn a_dropped_write_does_not_undo_what_its_borrower_has_begun_himself() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, -1).await;
    drop_half_way(&mut session, LONG);
    soon(insert(&mut session, -2)).await;
    run(&mut session, "commit").await;
    let rows = place.rows().await;
    assert_eq!((rows.len(), &rows[..2]), (LONG_ROWS + 2, &[-2, -1][..]), "all, or nothing");
}

#[tokio::test]
async fn a_borrower_who_goes_on_in_his_own_transaction_waits_for_what_he_dropped() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 7).await;
    drop_half_way(&mut session, ENDLESS_WRITE);
    let next = sqlx::query("insert into t values (8)").execute(&mut session);
    assert!(timeout(Duration::from_millis(200), next).await.is_err(), "it was stopped");
    // Nothing goes on after this.
    soon(SqliteSession::release(&mut session)).await.unwrap();
    assert_clean(&session);
    insert(&mut session, 9).await;
    assert_eq!(place.rows().await, [9]);
}

#[tokio::test]
async fn whatever_is_dropped_while_it_stops_something_can_be_asked_again() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, ENDLESS);
    let mut cuts = 0;
    for polls in 1..100 {
        if let Some(released) = soon(cut(SqliteSession::release(&mut session), polls)).await {
            released.unwrap();
            break;
        }
        assert_eq!(session.condition(), Condition::Busy, "after {polls} polls");
        cuts += 1;
    }
    assert!(cuts > 0, "it was released at its first poll, and never cut half way");
    assert_clean(&session);
    assert_eq!(one(&mut session).await, 1);
}

#[tokio::test]
async fn close_stops_what_was_dropped_and_so_does_a_drop() {
    let place = Place::new().await;
    let (mut closed, mut dropped) = (place.session().await, place.session().await);
    drop_half_way(&mut closed, ENDLESS);
    soon(SqliteSession::close(closed)).await.unwrap();
    // It holds the lock on the file until it is stopped.
    drop_half_way(&mut dropped, ENDLESS_WRITE);
    drop(dropped);
    let mut next = place.sqlite().busy_timeout(SOON).open().await.unwrap();
    insert(&mut next, 1).await;
    assert_eq!(place.rows().await, [1]);
}

/// Statements that end at about the time they are stopped.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_next_is_not_stopped_in_place_of_what_was_dropped() {
    let pool = Pool::builder(Sqlite::memory("next")).max_size(2).build().unwrap();
    run(&mut pool.acquire().await.unwrap(), "create table t (x)").await;
    let count = "select count(*) from (with recursive n (i) as \
                 (values (1) union all select i + 1 from n where i < ?) select i from n)";
    for round in 0..60 {
        let mut lease = pool.acquire().await.unwrap();
        let long = sqlx::query(count).bind(20_000 * i64::from(round % 10)).execute(&mut *lease);
        let _ = timeout(Duration::from_millis(1), long).await;
        drop(lease);
        let mut lease = pool.acquire().await.unwrap();
        let counted: i64 =
            sqlx::query_scalar(count).bind(50_000).fetch_one(&mut *lease).await.unwrap();
        assert_eq!(counted, 50_000);
    }
    pool.close(SOON).await;
}
