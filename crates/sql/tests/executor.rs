//! A session is an `sqlx::Executor` and knows when a statement was dropped.
#![cfg(feature = "sqlite")]

#[macro_use]
mod common;

#[path = "common/executor.rs"]
mod shared;

use common::{
    self as place, LONG, LONG_ROWS, Place, assert_clean, begin, commit, drop_half_way, insert, run,
};
use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Condition, Session, Transactional};
use sessionpool_sql::{SqlFailure, SqliteSession};
use sqlx::{Executor, SqlSafeStr};

rules! {
    shared:
    a_dropped_stream_leaves_the_session_busy_and_usable,
    a_failed_statement_leaves_the_session_clean,
    a_statement_is_prepared_and_described,
    a_stream_is_over_only_when_it_says_so,
    a_stream_that_was_never_polled_does_not_count,
    queries_run_in_all_shapes,
}

/// SQLite carries some pragmas out while it compiles them.
#[tokio::test]
async fn preparing_a_pragma_touches_the_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    (&mut session).prepare("pragma foreign_keys = off".into_sql_str()).await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
}

#[tokio::test]
async fn a_future_dropped_in_the_middle_leaves_the_session_busy_and_release_heals() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, LONG);

    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    // It came to its end in time, or was stopped and undone.
    assert!([0, LONG_ROWS].contains(&place.rows().await.len()));
}

#[tokio::test]
async fn a_dropped_statement_is_part_of_its_transaction() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    drop_half_way(&mut session, LONG);
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    assert!(place.rows().await.is_empty());

    // Its borrower gave up on it, so it is not committed behind his back, whatever
    // was done after it.
    begin(&mut session).await;
    drop_half_way(&mut session, LONG);
    if let Err(error) = sqlx::query("select 1").execute(&mut session).await {
        // It was stopped, and with it its transaction was undone.
        assert!(matches!(SqlFailure::of(&error), Some(SqlFailure::RolledBack)));
    }
    let outcome = SqliteSession::commit(&mut session).await;
    let CommitOutcome::RolledBack(Some(error)) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(SqlFailure::of(&error), Some(SqlFailure::StatementAbandoned)));
    assert_clean(&session);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn dropping_release_leaves_the_session_busy() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, LONG);
    assert!(SqliteSession::release(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
}

#[tokio::test]
async fn close_leaves_nothing_half_done() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, LONG);
    SqliteSession::close(session).await.unwrap();
    assert!([0, LONG_ROWS].contains(&place.rows().await.len()));
}

#[tokio::test]
async fn abort_needs_no_runtime() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    run(&mut session, "insert into t values (1)").await;
    std::thread::spawn(move || SqliteSession::abort(session)).join().unwrap();
    // SQLite rolls back as the connection goes; the lock goes with it.
    let mut next = place.session().await;
    begin(&mut next).await;
    insert(&mut next, 2).await;
    commit(&mut next).await;
    assert_eq!(place.rows().await, [2]);
}
