//! What the tests of the SQLite backend share.
#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

#[macro_use]
pub mod rules;
pub mod outcome;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Backend, Condition, Pool, Session, Transactional, TxOptions};
use sessionpool_sql::{Sqlite, SqliteSession};
use tempfile::TempDir;

#[allow(unused_imports, reason = "each test file uses a part of it")]
pub use outcome::{
    Failed, Outside, assert_clean, commit, committed, failure, refused_commit, rolled_back, unknown,
};

/// How long something may take that is bound to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// What its pools lend.
pub type Lent = SqliteSession;

/// The code of a row that is there already.
pub const UNIQUE: &str = "1555";

/// The code of a row whose parent is not there.
pub const FOREIGN_KEY: &str = "787";

/// A statement that touches the session.
pub const TOUCHES: &str = "pragma foreign_keys = off";

/// The numbers 0 to 9,999.
pub const MANY: &str = "select i from (with recursive n (i) as \
     (values (0) union all select i + 1 from n where i < 9999) select i from n)";

/// A database in a directory of its own, with a table `t (x)` in it.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub async fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.run("create table t (x integer primary key)").await;
        place
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("test.db")
    }

    pub fn sqlite(&self) -> Sqlite {
        Sqlite::file(self.path())
    }

    pub fn pool(&self) -> Pool<SqliteSession> {
        Pool::builder(self.sqlite()).max_size(2).build().unwrap()
    }

    pub async fn session(&self) -> SqliteSession {
        self.sqlite().open().await.unwrap()
    }

    /// Runs something on a session of its own.
    pub async fn run(&self, sql: &'static str) {
        let mut session = self.session().await;
        run(&mut session, sql).await;
        SqliteSession::close(session).await.unwrap();
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

impl Outside for Place {
    async fn has_no_rows(&self) -> bool {
        self.rows().await.is_empty()
    }
}

pub async fn run(session: &mut SqliteSession, sql: &'static str) {
    sqlx::query(sql).execute(session).await.unwrap();
}

pub async fn insert(session: &mut SqliteSession, x: i64) {
    sqlx::query("insert into t values (?)").bind(x).execute(session).await.unwrap();
}

pub async fn one(session: &mut SqliteSession, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(session).await.unwrap()
}

pub async fn begin(session: &mut SqliteSession) {
    SqliteSession::begin(session, &TxOptions::new()).await.unwrap();
}

pub async fn begin_read_only(session: &mut SqliteSession) {
    SqliteSession::begin(session, &TxOptions::new().read_only()).await.unwrap();
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

/// Sends a statement, and drops its future before the answer.
#[track_caller]
pub fn drop_half_way(session: &mut SqliteSession, sql: &'static str) {
    let answer = sqlx::query(sql).execute(&mut *session).now_or_never();
    assert!(answer.is_none(), "the statement is too short");
    assert_eq!(session.condition(), Condition::Busy);
}

/// Reads, and never comes to an end.
pub const ENDLESS: &str = "select count(*) from (with recursive n (i) as \
                           (values (1) union all select i + 1 from n) select i from n)";

/// A statement that takes some 100 ms and writes the rows 1 to 200,000.
pub const LONG: &str = "insert into t with recursive n (i) as \
     (values (1) union all select i + 1 from n where i < 200000) select i from n";

pub const LONG_ROWS: usize = 200_000;
