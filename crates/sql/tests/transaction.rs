//! Units of work: what was committed is what the outcome says.
#![cfg(feature = "sqlite")]

#[macro_use]
mod common;

#[path = "common/transaction.rs"]
mod shared;

use common::{
    self as place, LONG, Place, assert_clean, begin, begin_read_only, code, commit, failure,
    insert, refused_commit, rolled_back, run,
};
use futures_util::FutureExt;
use sessionpool_core::{Backend, Condition, Fault, Savepoint, Session, Transactional, TxOptions};
use sessionpool_sql::{SqlFailure, SqliteSession};
use sqlx::sqlite::SqliteJournalMode;

rules! {
    shared:
    a_commit_against_a_deferred_constraint_is_rolled_back,
    a_dropped_savepoint_leaves_the_unit_alone,
    a_stream_left_early_does_not_stand_in_the_way_of_a_commit,
    commit_keeps_and_rollback_undoes,
    savepoints_nest,
    without_a_transaction_there_is_nothing_to_end,
}

#[tokio::test]
async fn what_borrowers_send_is_counted_and_nothing_else() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert_eq!(session.statements(), Some(0));
    for unit in 1..=2_i64 {
        begin(&mut session).await;
        let savepoint = SqliteSession::savepoint(&mut session).await.unwrap();
        insert(&mut session, unit).await;
        assert!(sqlx::query("select 1 from nowhere").execute(&mut session).await.is_err());
        SqliteSession::release_savepoint(&mut session, savepoint).await.unwrap();
        insert(&mut session, unit + 10).await;
        commit(&mut session).await;
        SqliteSession::release(&mut session).await.unwrap();
        // Three of his own, and the savepoint's two.
        assert_eq!(session.statements(), Some(5 * unit as u64));
    }
    SqliteSession::close(session).await.unwrap();
}

#[tokio::test]
async fn a_begin_dropped_half_way_is_rolled_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut holder = place.session().await;
    begin(&mut holder).await;
    assert!(SqliteSession::begin(&mut session, &TxOptions::new()).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    // The dropped `BEGIN` now gets the lock it waits for.
    commit(&mut holder).await;
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);

    // Committed at once, and the lock is free for others: no transaction is open.
    insert(&mut session, 1).await;
    assert_eq!(place.rows().await, [1]);
    begin(&mut place.session().await).await;
}

#[tokio::test]
async fn a_commit_dropped_half_way_leaves_nothing_open() {
    let place = Place::new().await;
    let old = || place.sqlite().journal_mode(SqliteJournalMode::Delete);
    let mut reader = old().open().await.unwrap();
    begin_read_only(&mut reader).await;
    sqlx::query("select x from t").fetch_all(&mut reader).await.unwrap();

    let mut session = old().open().await.unwrap();
    begin(&mut session).await;
    insert(&mut session, 1).await;
    // It waits for the reader to go.
    assert!(SqliteSession::commit(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    commit(&mut reader).await;
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    begin(&mut old().open().await.unwrap()).await;
}

#[tokio::test]
async fn what_sqlite_rolled_back_is_not_called_committed() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let error = sqlx::query("insert or rollback into t values (1)")
        .execute(&mut session)
        .await
        .unwrap_err();
    assert_eq!(code(&error), "1555");

    // Sent now, this would be committed by itself.
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    let error = sqlx::query("select x from t").fetch_optional(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    let error = SqliteSession::savepoint(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    assert_eq!(session.condition(), Condition::Dirty);

    let error = refused_commit(&place, &mut session).await;
    assert!(matches!(failure(&error), SqlFailure::RolledBack));

    begin(&mut session).await;
    insert(&mut session, 3).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [3]);
}

#[tokio::test]
async fn a_full_database_rolls_the_unit_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "create table blob (x)").await;
    run(&mut session, "pragma max_page_count = 20").await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let error = sqlx::query("insert into blob values (zeroblob(1000000))")
        .execute(&mut session)
        .await
        .unwrap_err();
    assert_eq!(code(&error), "13");
    assert_eq!(SqliteSession::classify(&error), Fault::Other);

    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    let error = rolled_back(SqliteSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn a_statement_behind_a_dropped_one_that_rolls_back_is_refused() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 200_000).await;
    let long = LONG.replace("insert into", "insert or rollback into");
    let dropped = sqlx::query(sqlx::AssertSqlSafe(long)).execute(&mut session).now_or_never();
    assert!(dropped.is_none(), "the statement is too short for this test");
    let error = sqlx::query("insert into t values (0)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    refused_commit(&place, &mut session).await;
}

#[tokio::test]
async fn ending_a_savepoint_ends_those_inside() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    let outer = SqliteSession::savepoint(&mut session).await.unwrap();
    let inner = SqliteSession::savepoint(&mut session).await.unwrap();
    insert(&mut session, 1).await;
    SqliteSession::rollback_to(&mut session, outer).await.unwrap();
    assert!(SqliteSession::release_savepoint(&mut session, inner).await.is_err());
    assert!(SqliteSession::release_savepoint(&mut session, outer).await.is_err());
    assert!(SqliteSession::rollback_to(&mut session, Savepoint::new(99)).await.is_err());
    insert(&mut session, 2).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [2]);
}
