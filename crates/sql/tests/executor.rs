//! A session is an `sqlx::Executor` and knows when a statement was dropped.
#![cfg(feature = "sqlite")]

mod common;

use common::{LONG, LONG_ROWS, Place, assert_clean, begin, code, commit, insert, run};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sessionpool_core::{CommitOutcome, Condition, Session, Transactional};
use sessionpool_sql::{SqlFailure, SqliteSession};
use sqlx::{Either, Executor, Row, SqlSafeStr, Statement};

#[tokio::test]
async fn queries_run_in_all_shapes() {
    let place = Place::new().await;
    let mut session = place.session().await;

    let done = sqlx::query("insert into t values (?), (?)")
        .bind(1)
        .bind(2)
        .execute(&mut session)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 2);
    assert_clean(&session);

    let all = sqlx::query("select x from t").fetch_all(&mut session).await.unwrap();
    assert_eq!(all.len(), 2);
    let one: i64 =
        sqlx::query_scalar("select max(x) from t").fetch_one(&mut session).await.unwrap();
    assert_eq!(one, 2);
    let none = sqlx::query("select 1 where 0").fetch_optional(&mut session).await.unwrap();
    assert!(none.is_none());
    let pair: (i64, String) = sqlx::query_as("select 1, ?")
        .bind("a")
        .persistent(false)
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert_eq!(pair, (1, "a".to_owned()));
    let rows: Vec<i64> = sqlx::query("select x from t order by x")
        .fetch(&mut session)
        .map_ok(|row| row.get::<i64, _>(0))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, [1, 2]);
    assert_clean(&session);

    let steps: Vec<_> = (&mut session)
        .fetch_many("insert into t values (3) returning x")
        .try_collect()
        .await
        .unwrap();
    assert!(matches!(steps[..], [Either::Right(_), Either::Left(_)]));
    let counts: Vec<_> = (&mut session).execute_many("delete from t").try_collect().await.unwrap();
    assert_eq!(counts.iter().map(|done| done.rows_affected()).sum::<u64>(), 3);
    assert_clean(&session);
}

#[tokio::test]
async fn a_statement_is_prepared_and_described() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let statement =
        (&mut session).prepare("select x from t where x = ?".into_sql_str()).await.unwrap();
    assert_eq!(statement.columns().len(), 1);
    let found = statement.query().bind(1).fetch_optional(&mut session).await.unwrap();
    assert!(found.is_none());
    let described = (&mut session).describe("select x from t".into_sql_str()).await.unwrap();
    assert_eq!(described.columns().len(), 1);
    assert_clean(&session);
    // SQLite carries some pragmas out while it compiles them.
    (&mut session).prepare("pragma foreign_keys = off".into_sql_str()).await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
}

#[tokio::test]
async fn a_failed_statement_leaves_the_session_clean() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await;
    let twice = sqlx::query("insert into t values (1)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&twice), "1555");
    assert_clean(&session);
    assert!(sqlx::query("select nonsense").fetch_all(&mut session).await.is_err());
    assert!(sqlx::query("select 1 where 0").fetch_one(&mut session).await.is_err());
    assert_clean(&session);
}

#[tokio::test]
async fn a_stream_that_was_never_polled_does_not_count() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop(sqlx::query("pragma foreign_keys = off").fetch(&mut session));
    drop(sqlx::query("begin").execute(&mut session));
    drop((&mut session).fetch_optional("begin"));
    assert_clean(&session);
}

#[tokio::test]
async fn a_dropped_stream_leaves_the_session_busy_and_usable() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for x in 0..200 {
        insert(&mut session, x).await;
    }
    let mut rows = sqlx::query("select x from t order by x").fetch(&mut session);
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!(first.get::<i64, _>(0), 0);
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);

    // The next answer is its own, not the rest of the old one.
    let own: String = sqlx::query_scalar("select 'own'").fetch_one(&mut session).await.unwrap();
    assert_eq!(own, "own");
    assert_clean(&session);
}

#[tokio::test]
async fn a_stream_is_over_only_when_it_says_so() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await;
    let mut rows = sqlx::query("select x from t").fetch(&mut session);
    assert!(rows.next().await.unwrap().is_ok());
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);

    let mut rows = sqlx::query("select x from t").fetch(&mut session);
    assert!(rows.next().await.unwrap().is_ok());
    assert!(rows.next().await.is_none());
    assert!(rows.next().await.is_none());
    drop(rows);
    assert_clean(&session);
}

#[tokio::test]
async fn a_future_dropped_in_the_middle_leaves_the_session_busy_and_release_heals() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let answer = sqlx::query(LONG).execute(&mut session).now_or_never();
    assert!(answer.is_none(), "the statement is too short for this test");
    assert_eq!(session.condition(), Condition::Busy);

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
    assert!(sqlx::query(LONG).execute(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    assert!(place.rows().await.is_empty());

    // Its borrower gave up on it, so it is not committed behind his back, whatever
    // was done after it.
    begin(&mut session).await;
    assert!(sqlx::query(LONG).execute(&mut session).now_or_never().is_none());
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
async fn a_stream_left_early_does_not_stand_in_the_way_of_a_commit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    sqlx::query("insert into t values (1), (2), (3)").execute(&mut session).await.unwrap();
    let first = sqlx::query("select * from t").fetch(&mut session).next().await;
    assert!(first.is_some_and(|row| row.is_ok()));
    commit(&mut session).await;
    assert_clean(&session);
    assert_eq!(place.rows().await, [1, 2, 3]);
}

#[tokio::test]
async fn dropping_release_leaves_the_session_busy() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert!(sqlx::query(LONG).execute(&mut session).now_or_never().is_none());
    assert!(SqliteSession::release(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
}

#[tokio::test]
async fn close_leaves_nothing_half_done() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert!(sqlx::query(LONG).execute(&mut session).now_or_never().is_none());
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
