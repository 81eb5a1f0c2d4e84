//! Units of work: what was committed is what the outcome says.
#![cfg(feature = "sqlite")]

#[macro_use]
mod common;

#[path = "common/transaction.rs"]
mod shared;

use std::time::{Duration, Instant};

use common::{
    self as place, LONG, LONG_ROWS, Place, SOON, assert_clean, begin, begin_read_only, code,
    commit, drop_half_way, failure, insert, refused_commit, rolled_back, run,
};
use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Isolation, Savepoint, Session, Transactional,
    TxOptions,
};
use sessionpool_sql::{BeginMode, SqlFailure, SqliteSession};
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
async fn every_isolation_can_be_asked_for() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for isolation in [Isolation::ReadUncommitted, Isolation::Serializable] {
        SqliteSession::begin(&mut session, &TxOptions::new().isolation(isolation)).await.unwrap();
        let dirty_reads: i64 =
            sqlx::query_scalar("pragma read_uncommitted").fetch_one(&mut session).await.unwrap();
        assert_eq!(dirty_reads, 0);
        commit(&mut session).await;
    }
}

#[tokio::test]
async fn what_sqlite_cannot_do_is_refused() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let limit = Duration::from_secs(1);
    for options in [
        TxOptions::new().setting("app.tenant", "7"),
        TxOptions::new().statement_timeout(limit),
        TxOptions::new().lock_timeout(limit),
        TxOptions::new().idle_timeout(limit),
    ] {
        let error = SqliteSession::begin(&mut session, &options).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::Unsupported { .. }), "{error}");
        assert_eq!(SqliteSession::classify(&error), Fault::Rejected);
        assert_clean(&session);
    }
    SqliteSession::begin(&mut session, &TxOptions::new().deferrable()).await.unwrap();
    commit(&mut session).await;
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
async fn a_second_writer_waits_and_then_loses() {
    let place = Place::new().await;
    let mut first = place.session().await;
    begin(&mut first).await;
    let mut second = place.sqlite().busy_timeout(Duration::from_millis(50)).open().await.unwrap();
    let before = Instant::now();
    let error = SqliteSession::begin(&mut second, &TxOptions::new()).await.unwrap_err();
    assert!(before.elapsed() >= Duration::from_millis(50));
    assert_eq!(code(&error), "5");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    assert_clean(&second);

    commit(&mut first).await;
    begin(&mut second).await;
    commit(&mut second).await;
}

#[tokio::test]
async fn a_deferred_unit_may_find_its_snapshot_gone() {
    let place = Place::new().await;
    let mut late = place.sqlite().begin_mode(BeginMode::Deferred).open().await.unwrap();
    begin(&mut late).await;
    sqlx::query("select x from t").fetch_all(&mut late).await.unwrap();
    insert(&mut place.session().await, 1).await;
    let error = sqlx::query("insert into t values (2)").execute(&mut late).await.unwrap_err();
    assert_eq!(code(&error), "517");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    SqliteSession::release(&mut late).await.unwrap();
    assert_clean(&late);
}

#[tokio::test]
async fn immediate_units_never_lose_an_update() {
    let place = Place::new().await;
    insert(&mut place.session().await, 0).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut session = place.sqlite().busy_timeout(SOON).open().await.unwrap();
        tasks.spawn(async move {
            for _ in 0..25 {
                begin(&mut session).await;
                let x: i64 =
                    sqlx::query_scalar("select x from t").fetch_one(&mut session).await.unwrap();
                sqlx::query("update t set x = ?").bind(x + 1).execute(&mut session).await.unwrap();
                commit(&mut session).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(place.rows().await, [200]);
}

#[tokio::test]
async fn a_commit_against_a_reader_is_rolled_back() {
    let place = Place::new().await;
    let old =
        || place.sqlite().journal_mode(SqliteJournalMode::Delete).busy_timeout(Duration::ZERO);
    let mut reader = old().open().await.unwrap();
    begin_read_only(&mut reader).await;
    sqlx::query("select x from t").fetch_all(&mut reader).await.unwrap();

    let mut writer = old().open().await.unwrap();
    begin(&mut writer).await;
    insert(&mut writer, 1).await;
    let error = rolled_back(SqliteSession::commit(&mut writer).await);
    assert_eq!(code(&error), "5");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    assert_clean(&writer);

    commit(&mut reader).await;
    let rows: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut reader).await.unwrap();
    assert_eq!(rows, 0);
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
async fn a_borrowers_own_rollback_ends_the_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "rollback").await;
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    let error = refused_commit(&place, &mut session).await;
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
}

#[tokio::test]
async fn a_borrowers_own_commit_makes_the_outcome_unknown() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit").await;
    let outcome = SqliteSession::commit(&mut session).await;
    let CommitOutcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn a_borrowers_own_commit_of_nothing_leaves_nothing_behind() {
    let place = Place::new().await;
    let mut session = place.sqlite().begin_mode(BeginMode::Deferred).open().await.unwrap();
    begin(&mut session).await;
    sqlx::query("select x from t").fetch_all(&mut session).await.unwrap();
    run(&mut session, "commit").await;
    let error = rolled_back(SqliteSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_clean(&session);
}

#[tokio::test]
async fn what_follows_a_rollback_in_one_text_is_not_forgotten() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    sqlx::raw_sql("rollback; insert into t values (2)").execute(&mut session).await.unwrap();
    let outcome = SqliteSession::commit(&mut session).await;
    assert!(matches!(outcome, CommitOutcome::Unknown(_)), "{outcome:?}");
    assert_eq!(place.rows().await, [2]);
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

#[tokio::test]
async fn a_read_only_unit_cannot_write() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await;

    for end in ["commit", "rollback", "release", "dropped statement"] {
        begin_read_only(&mut session).await;
        let seen: i64 =
            sqlx::query_scalar("select count(*) from t").fetch_one(&mut session).await.unwrap();
        assert_eq!(seen, 1);
        for sql in ["insert into t values (2)", "delete from t", "create table u (x)"] {
            let error = sqlx::query(sql).execute(&mut session).await.unwrap_err();
            assert_eq!(code(&error), "8", "{sql}");
            assert_eq!(SqliteSession::classify(&error), Fault::Other);
        }
        match end {
            "commit" => commit(&mut session).await,
            "rollback" => SqliteSession::rollback(&mut session).await.unwrap(),
            "release" => SqliteSession::release(&mut session).await.unwrap(),
            _ => {
                let mut rows = sqlx::query("select x from t").fetch(&mut session);
                assert!(rows.next().await.unwrap().is_ok());
                drop(rows);
                assert_eq!(session.condition(), Condition::Busy);
                SqliteSession::release(&mut session).await.unwrap();
            }
        }
        assert_clean(&session);
        let refusing: i64 =
            sqlx::query_scalar("pragma query_only").fetch_one(&mut session).await.unwrap();
        assert_eq!(refusing, 0, "{end}");
        session = place.session().await;
    }
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn the_next_unit_after_a_read_only_one_can_write() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin_read_only(&mut session).await;
    commit(&mut session).await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn a_read_only_begin_dropped_half_way_is_undone() {
    let place = Place::new().await;
    let mut session = place.session().await;
    // Keeps the session's thread from answering at once.
    drop_half_way(&mut session, LONG);
    let begun = SqliteSession::begin(&mut session, &TxOptions::new().read_only()).now_or_never();
    assert!(begun.is_none());
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    run(&mut session, "delete from t").await; // it came to its end, or was stopped
    insert(&mut session, 0).await;
    assert_eq!(place.rows().await, [0]);

    // Nor does it bind a unit begun without any release.
    run(&mut session, "delete from t").await;
    drop_half_way(&mut session, LONG);
    let begun = SqliteSession::begin(&mut session, &TxOptions::new().read_only()).now_or_never();
    assert!(begun.is_none());
    begin(&mut session).await;
    insert(&mut session, -1).await;
    commit(&mut session).await;
    insert(&mut session, -2).await;
    assert_clean(&session);
    assert!([2, LONG_ROWS + 2].contains(&place.rows().await.len()));
}

#[tokio::test]
async fn a_begin_inside_a_borrowers_own_transaction_fails_and_heals() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for options in [TxOptions::new(), TxOptions::new().read_only()] {
        run(&mut session, "begin").await;
        insert(&mut session, 1).await;
        assert!(SqliteSession::begin(&mut session, &options).await.is_err());
        assert_clean(&session);
    }
    insert(&mut session, 2).await;
    assert_eq!(place.rows().await, [2]);
}
