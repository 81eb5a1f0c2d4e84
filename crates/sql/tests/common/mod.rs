//! What the tests of the SQLite backend share.
#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::fmt::Debug;
use std::path::PathBuf;

use sessionpool_core::{Backend, CommitOutcome, Condition, Session, Transactional, TxOptions};
use sessionpool_sql::{SqlFailure, Sqlite, SqliteSession};
use tempfile::TempDir;

/// A database in a directory of its own, with a table `t (x)` in it.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub async fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        let mut session = place.session().await;
        run(&mut session, "create table t (x integer primary key)").await;
        SqliteSession::close(session).await.unwrap();
        place
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("test.db")
    }

    pub fn sqlite(&self) -> Sqlite {
        Sqlite::file(self.path())
    }

    pub async fn session(&self) -> SqliteSession {
        self.sqlite().open().await.unwrap()
    }

    /// The rows another session sees.
    pub async fn rows(&self) -> Vec<i64> {
        let mut session = self.session().await;
        let rows =
            sqlx::query_scalar("select x from t order by x").fetch_all(&mut session).await.unwrap();
        SqliteSession::close(session).await.unwrap();
        rows
    }
}

pub async fn run(session: &mut SqliteSession, sql: &'static str) {
    sqlx::query(sql).execute(session).await.unwrap();
}

pub async fn insert(session: &mut SqliteSession, x: i64) {
    sqlx::query("insert into t values (?)").bind(x).execute(session).await.unwrap();
}

pub async fn begin(session: &mut SqliteSession) {
    SqliteSession::begin(session, &TxOptions::new()).await.unwrap();
}

pub async fn begin_read_only(session: &mut SqliteSession) {
    SqliteSession::begin(session, &TxOptions::new().read_only()).await.unwrap();
}

pub async fn commit(session: &mut SqliteSession) {
    let outcome = SqliteSession::commit(session).await;
    assert!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");
}

#[track_caller]
pub fn assert_clean(session: &SqliteSession) {
    assert_eq!(session.condition(), Condition::Clean);
}

/// What our own layer said, whatever it says it in.
#[track_caller]
pub fn failure(error: &sqlx::Error) -> &SqlFailure {
    SqlFailure::of(error).unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

/// SQLite's result code.
#[track_caller]
pub fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .unwrap_or_else(|| panic!("not SQLite's: {error:?}"))
        .code()
        .unwrap()
        .into_owned()
}

#[track_caller]
pub fn rolled_back<E: Debug>(outcome: CommitOutcome<E>) -> E {
    match outcome {
        CommitOutcome::RolledBack(Some(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A statement that takes some 100 ms and writes the rows 1 to 200,000.
pub const LONG: &str = "insert into t with recursive n (i) as \
     (values (1) union all select i + 1 from n where i < 200000) select i from n";

pub const LONG_ROWS: usize = 200_000;
