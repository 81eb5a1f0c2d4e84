//! Each setting does what it says, and the defaults are what the docs say.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::{Duration, Instant};

use common::{Place, SOON, assert_clean, begin, code, failure, insert, run};
use sessionpool_core::{Backend, Fault, Session};
use sessionpool_sql::{SqlFailure, Sqlite, SqliteSession};
use sessionpool_testkit::conformance::cut;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

async fn pragma(session: &mut SqliteSession, sql: &'static str) -> String {
    let pragma = sqlx::query_scalar::<_, String>(sql);
    match pragma.fetch_one(&mut *session).await {
        Ok(text) => text,
        Err(_) => sqlx::query_scalar::<_, i64>(sql).fetch_one(session).await.unwrap().to_string(),
    }
}

async fn refusal(backend: Sqlite) -> (Fault, sqlx::Error) {
    let error = backend.open().await.unwrap_err();
    (SqliteSession::classify(&error), error)
}

#[tokio::test]
async fn a_file_is_opened_with_the_defaults() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert_clean(&session);
    assert_eq!(pragma(&mut session, "pragma journal_mode").await, "wal");
    assert_eq!(pragma(&mut session, "pragma synchronous").await, "2");
    assert_eq!(pragma(&mut session, "pragma foreign_keys").await, "1");
    assert_eq!(pragma(&mut session, "pragma busy_timeout").await, "5000");
    assert_eq!(pragma(&mut session, "pragma query_only").await, "0");

    run(&mut session, "create table child (x references t (x))").await;
    let error =
        sqlx::query("insert into child values (1)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "787");
}

#[tokio::test]
async fn every_setting_can_be_changed() {
    let place = Place::new().await;
    let backend = place
        .sqlite()
        .journal_mode(SqliteJournalMode::Truncate)
        .synchronous(SqliteSynchronous::Extra)
        .foreign_keys(false)
        .busy_timeout(Duration::MAX);
    let mut session = backend.open().await.unwrap();
    assert_eq!(pragma(&mut session, "pragma journal_mode").await, "truncate");
    assert_eq!(pragma(&mut session, "pragma synchronous").await, "3");
    assert_eq!(pragma(&mut session, "pragma foreign_keys").await, "0");
    assert_eq!(pragma(&mut session, "pragma busy_timeout").await, i32::MAX.to_string());

    let mut as_it_is = place.sqlite().journal_mode(None).open().await.unwrap();
    assert_eq!(pragma(&mut as_it_is, "pragma journal_mode").await, "delete");
    assert_eq!(pragma(&mut as_it_is, "pragma synchronous").await, "2");
}

#[tokio::test]
async fn read_only_sessions_only_read() {
    let place = Place::new().await;
    insert(&mut place.session().await, 1).await;
    let mut session = place.sqlite().read_only(true).open().await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut session).await.unwrap();
    assert_eq!(rows, 1);
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "8");
    assert_clean(&session);
    SqliteSession::close(session).await.unwrap();

    // Whatever its journal mode, which they cannot change.
    place.sqlite().journal_mode(SqliteJournalMode::Delete).open().await.unwrap();
    let mut session = place.sqlite().read_only(true).open().await.unwrap();
    assert_eq!(pragma(&mut session, "pragma journal_mode").await, "delete");
}

#[tokio::test]
async fn a_missing_directory_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing/test.db");
    let (fault, error) = refusal(Sqlite::file(&path)).await;
    assert_eq!(fault, Fault::Rejected);
    let SqlFailure::Open { database, source, .. } = failure(&error) else { panic!("{error:?}") };
    assert_eq!(*database, path.display().to_string());
    assert_eq!(code(source), "14");
}

#[tokio::test]
async fn a_missing_file_is_rejected_if_it_may_not_be_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    assert_eq!(refusal(Sqlite::file(&path).create_if_missing(false)).await.0, Fault::Rejected);
    assert_eq!(refusal(Sqlite::file(&path).read_only(true)).await.0, Fault::Rejected);
    assert!(!path.exists());
    Sqlite::file(&path).open().await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn what_is_no_database_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(refusal(Sqlite::file(dir.path())).await.0, Fault::Rejected);
    assert_eq!(refusal(Sqlite::file("")).await.0, Fault::Rejected);
    assert_eq!(refusal(Sqlite::file("nul\0")).await.0, Fault::Rejected);
    let path = dir.path().join("letter.txt");
    std::fs::write(&path, "Dear database, ".repeat(100)).unwrap();
    let (fault, error) = refusal(Sqlite::file(path)).await;
    assert_eq!(fault, Fault::Rejected);
    assert!(error.to_string().contains("letter.txt"), "{error}");
}

#[tokio::test]
async fn a_journal_mode_that_was_not_taken_is_rejected() {
    let backend = Sqlite::memory("no log").journal_mode(SqliteJournalMode::Wal);
    let (fault, error) = refusal(backend).await;
    assert_eq!(fault, Fault::Rejected);
    let SqlFailure::Open { source, .. } = failure(&error) else { panic!("{error:?}") };
    assert_eq!(failure(source).to_string(), "journal mode is memory where wal was asked for");
}

#[tokio::test]
async fn a_locked_database_is_worth_another_try() {
    let place = Place::new().await;
    let old = || place.sqlite().journal_mode(SqliteJournalMode::Delete);
    let mut holder = old().open().await.unwrap();
    run(&mut holder, "begin exclusive").await;
    let (fault, error) = refusal(place.sqlite().busy_timeout(Duration::ZERO)).await;
    assert_eq!(fault, Fault::Transient, "{error:?}");
    SqliteSession::release(&mut holder).await.unwrap();
    place.session().await;
}

/// SQLite itself says at once that others are connected.
#[tokio::test]
async fn the_lock_for_a_new_journal_mode_is_waited_for() {
    let place = Place::new().await;
    let other = place.session().await;
    let backend = place.sqlite().journal_mode(SqliteJournalMode::Delete).busy_timeout(SOON);
    let mut opening = Box::pin(backend.open());
    // It is not refused, and has waited more often than one attempt makes it wait.
    assert!(cut(&mut opening, 100).await.is_none());
    SqliteSession::close(other).await.unwrap();
    opening.await.unwrap();
}

#[tokio::test]
async fn many_may_open_a_new_file_at_once() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let backend = Sqlite::file(dir.path().join("new.db"));
            tasks.spawn(async move { backend.open().await.map(drop) });
        }
        for opened in tasks.join_all().await {
            opened.unwrap();
        }
    }
}

#[tokio::test]
async fn the_busy_timeout_is_waited_out() {
    let place = Place::new().await;
    let mut holder = place.session().await;
    begin(&mut holder).await;
    let mut other = place.sqlite().busy_timeout(Duration::from_millis(80)).open().await.unwrap();
    let before = Instant::now();
    let error = sqlx::query("insert into t values (1)").execute(&mut other).await.unwrap_err();
    assert!(before.elapsed() >= Duration::from_millis(80));
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    assert_clean(&other);
}

#[tokio::test]
async fn a_check_leaves_no_trace_and_waits_for_no_lock() {
    let place = Place::new().await;
    let backend = place.sqlite().journal_mode(SqliteJournalMode::Delete);
    let mut session = backend.open().await.unwrap();
    let mut holder = backend.open().await.unwrap();
    run(&mut holder, "begin exclusive").await;
    backend.check(&mut session).await.unwrap();
    assert_clean(&session);
}
