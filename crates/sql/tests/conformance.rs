//! The lifecycle contracts, rule by rule, over real databases.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::run;
use futures_util::StreamExt;
use sessionpool_core::{Backend, Session};
use sessionpool_sql::{Sqlite, SqliteSession};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, RefusesLogins, ResetsState, Transactions,
};
use sqlx::sqlite::SqliteJournalMode;
use tempfile::TempDir;

/// A database of a test's own, in a file or in memory.
struct Database {
    dir: TempDir,
    journal_mode: Option<SqliteJournalMode>,
    name: String,
}

impl Database {
    fn in_file(mode: SqliteJournalMode) -> Self {
        Self { journal_mode: Some(mode), ..Self::in_memory() }
    }

    fn in_memory() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("conformance {}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { dir: tempfile::tempdir().unwrap(), journal_mode: None, name }
    }

    fn sqlite(&self) -> Sqlite {
        match self.journal_mode {
            Some(mode) => Sqlite::file(self.dir.path().join("test.db")).journal_mode(mode),
            None => Sqlite::memory(&self.name),
        }
    }
}

impl Harness for Database {
    type Backend = Sqlite;

    fn capabilities(&self) -> Capabilities {
        let all = Capabilities::none().resets_state().transactions().dooms_commits();
        if self.journal_mode == Some(SqliteJournalMode::Delete) {
            all.counts_sessions().refuses_logins()
        } else {
            all
        }
    }

    async fn backend(&self) -> Sqlite {
        let backend = self.sqlite();
        let mut session = backend.open().await.unwrap();
        for sql in [
            "create table t (row)",
            "create table fate (kind primary key)",
            "create table doom (kind references fate (kind) deferrable initially deferred)",
        ] {
            run(&mut session, sql).await;
        }
        SqliteSession::close(session).await.unwrap();
        backend
    }

    async fn ask(&self, session: &mut SqliteSession, number: u32) -> sqlx::Result<u32> {
        sqlx::query_scalar("select ?").bind(number).fetch_one(session).await
    }

    async fn interrupt(&self, session: &mut SqliteSession) {
        let mut rows =
            sqlx::query("values (1), (2), (3), (4), (5), (6), (7), (8), (9)").fetch(session);
        rows.next().await.unwrap().unwrap();
    }
}

/// A session's one handle of the file: with this journal mode SQLite closes it
/// with the session.
impl CountsSessions for Database {
    async fn live(&self) -> usize {
        let handles = std::fs::read_dir("/proc/self/fd").unwrap();
        let names = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
        names
            .filter(|name| name.starts_with(self.dir.path()))
            .filter(|name| name.extension().is_some_and(|it| it == "db"))
            .count()
    }
}

impl RefusesLogins for Database {
    /// A file that SQLite opens, and only then finds to be none of its own.
    async fn refusing(&self) -> Sqlite {
        let letter = self.dir.path().join("letter.db");
        std::fs::write(&letter, "Dear database, ".repeat(100)).unwrap();
        Sqlite::file(letter)
    }
}

impl ResetsState for Database {
    /// A transaction of the borrower's own: anything else no release puts back.
    async fn disturb(&self, session: &mut SqliteSession) {
        run(session, "begin").await;
        run(session, "insert into t values ('disturbing')").await;
    }

    async fn undisturbed(&self, session: &mut SqliteSession) -> bool {
        let left: i64 = sqlx::query_scalar("select count(*) from t where row = 'disturbing'")
            .fetch_one(session)
            .await
            .unwrap();
        left == 0
    }
}

impl Transactions for Database {
    async fn write(&self, session: &mut SqliteSession, row: &str) {
        sqlx::query("insert into t values (?)").bind(row).execute(session).await.unwrap();
    }

    async fn committed(&self, row: &str) -> bool {
        let in_memory = self.journal_mode.is_none();
        // In memory, a writer keeps us out: what it has written is not visible.
        let patience = Duration::from_secs(if in_memory { 0 } else { 5 });
        let mut session = self.sqlite().busy_timeout(patience).open().await.unwrap();
        let found = sqlx::query("select 1 from t where row = ?").bind(row).fetch_all(&mut session);
        let found = found.await;
        SqliteSession::close(session).await.unwrap();
        match found {
            Ok(rows) => !rows.is_empty(),
            Err(error) if in_memory => {
                assert_eq!(common::code(&error), "5");
                false
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl DoomsCommits for Database {
    async fn doom(&self, session: &mut SqliteSession) {
        run(session, "insert into doom values ('missing')").await;
    }
}

mod wal {
    use super::*;

    sessionpool_testkit::conformance_suite!(
        Database::in_file(SqliteJournalMode::Wal);
        resets_state, transactions, dooms_commits,
    );
}

#[cfg(target_os = "linux")]
mod delete {
    use super::*;

    sessionpool_testkit::conformance_suite!(
        Database::in_file(SqliteJournalMode::Delete);
        counts_sessions, refuses_logins, resets_state, transactions, dooms_commits,
    );
}

mod memory {
    use super::*;

    sessionpool_testkit::conformance_suite!(
        Database::in_memory();
        resets_state, transactions, dooms_commits,
    );
}
