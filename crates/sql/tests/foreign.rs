//! An error of another database's says nothing to a session, whatever its code looks like.
#![cfg(all(feature = "mysql", feature = "postgres", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::borrow::Cow;
use std::error::Error as StdError;

use sessionpool_core::{Fault, Session};
use sessionpool_sql::{MySqlSession, PgSession, SqliteSession};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Error, Executor};

/// An error of a database that none of the sessions belongs to.
#[derive(Debug, thiserror::Error)]
#[error("{0}: cannot commit - no transaction is active")]
struct Foreign(&'static str);

impl DatabaseError for Foreign {
    fn message(&self) -> &'static str {
        "the server is read-only; no transaction is active"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

fn faults(error: &Error) -> [Fault; 3] {
    [PgSession::classify(error), MySqlSession::classify(error), SqliteSession::classify(error)]
}

#[test]
fn a_code_counts_for_the_database_that_gave_it() {
    for code in [
        // PostgreSQL's; in their last eight bits SQLite's 5, 5, 6 and 10.
        "42501", "22021", "22022", "22026", "40001", "57P01", "08006", "25006", "28P01", "53300",
        // MySQL's.
        "1213", "1040", "1045", "1053", "1836", "4031", "08S01", // SQLite's.
        "5", "6", "10", "261", "517", "778",
    ] {
        let error = Error::Database(Box::new(Foreign(code)));
        assert_eq!(faults(&error), [Fault::Other; 3], "{code}");
    }
}

#[tokio::test]
async fn sqlites_lock_is_a_conflict_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}?mode=rwc", dir.path().join("test.db").display());
    let mut writer = SqliteConnection::connect(&url).await.unwrap();
    let mut late = SqliteConnection::connect(&url).await.unwrap();
    late.execute("pragma busy_timeout = 0").await.unwrap();
    writer.execute("begin immediate").await.unwrap();
    let error = late.execute("begin immediate").await.unwrap_err();
    assert_eq!(faults(&error), [Fault::Other, Fault::Other, Fault::Conflict], "{error}");
}
