use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Executor, Row};
use tokio::sync::Mutex;

use super::error;
use crate::failure::SqlFailure;

/// Where a database is, and what its sessions are opened with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) place: Place,
    pub(super) begin_mode: BeginMode,
    pub(super) busy_timeout: Duration,
    pub(super) create_if_missing: bool,
    pub(super) foreign_keys: bool,
    pub(super) journal_mode: Option<SqliteJournalMode>,
    pub(super) read_only: bool,
    pub(super) synchronous: Option<SqliteSynchronous>,
}

/// Where a database is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(PathBuf),
    Memory(String),
}

/// How a unit of work that may write begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BeginMode {
    /// `BEGIN DEFERRED`: takes no lock before the first statement. A unit that
    /// reads first and writes later fails with a conflict, at once and whatever
    /// the busy timeout, if another one has written in between.
    Deferred,
    /// `BEGIN IMMEDIATE`: waits its turn to write, up to the busy timeout, and
    /// cannot lose it afterwards.
    #[default]
    Immediate,
    /// `BEGIN EXCLUSIVE`: as `Immediate`, and keeps readers out too where the
    /// journal mode is not WAL.
    Exclusive,
}

impl Config {
    pub(super) fn new(place: Place) -> Self {
        let is_file = matches!(place, Place::File(_));
        Self {
            place,
            begin_mode: BeginMode::default(),
            busy_timeout: Duration::from_secs(5),
            create_if_missing: true,
            foreign_keys: true,
            // A database in memory has no log to write ahead.
            journal_mode: is_file.then_some(SqliteJournalMode::Wal),
            read_only: false,
            // A database in memory waits for no disk, and even to say so it would
            // wait for a lock.
            synchronous: is_file.then_some(SqliteSynchronous::Full),
        }
    }

    /// Opens a connection and applies the settings.
    ///
    /// SQLite does not wait for every lock that this takes, so we do: of several
    /// sessions opened at once on a new file, some would fail otherwise.
    ///
    /// One at a time, and none while a session closes: SQLite 3.51.1 may lock
    /// itself up for good, and the whole process with it, where one thread opens a
    /// file while another closes it.
    pub(super) async fn connect(&self, turn: &Mutex<()>) -> sqlx::Result<SqliteConnection> {
        let started = Instant::now();
        loop {
            let taken = turn.lock().await;
            let answer = self.try_connect().await;
            drop(taken);
            match answer {
                Err(error) if error::is_locked(&error) && started.elapsed() < self.busy_timeout => {
                    tokio::time::sleep(LOCK_POLL).await;
                }
                answer => return answer,
            }
        }
    }

    async fn try_connect(&self) -> sqlx::Result<SqliteConnection> {
        let mut connection = self.options().connect().await?;
        // Who may only read cannot change the journal mode.
        if let Some(mode) = self.journal_mode.filter(|_| !self.read_only) {
            set_journal_mode(&mut connection, mode).await?;
        }
        Ok(connection)
    }

    fn options(&self) -> SqliteConnectOptions {
        let mut options = match &self.place {
            Place::File(path) => SqliteConnectOptions::new().filename(as_plain_path(path)),
            Place::Memory(name) => in_memory(name),
        };
        options = options
            .busy_timeout(self.busy_timeout.min(MAX_BUSY_TIMEOUT))
            .create_if_missing(self.create_if_missing)
            .foreign_keys(self.foreign_keys)
            .read_only(self.read_only);
        match self.synchronous {
            Some(synchronous) => options.synchronous(synchronous),
            None => options,
        }
    }
}

impl Place {
    /// The path, or the name in memory, for messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(name) => name.clone(),
        }
    }
}

/// sqlx passes milliseconds on as an `i32`, and panics in its thread when they do
/// not fit.
const MAX_BUSY_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

/// SQLite takes `:memory:`, the empty name and `file:…` for something else than a
/// file, and with one of them every session would have a database of its own.
fn as_plain_path(path: &Path) -> PathBuf {
    Path::new(".").join(path)
}

/// All connections of a process that name the same path in the `memdb` file system
/// share one database. Unlike a shared cache, it honours busy timeouts.
fn in_memory(name: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(format!("/sessionpool/{name}")).vfs("memdb")
}

/// How often to ask for a lock that SQLite does not wait for.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Sets the journal mode and checks that it is set: SQLite answers a mode that it
/// cannot set with the old one, not with an error.
async fn set_journal_mode(
    connection: &mut SqliteConnection,
    mode: SqliteJournalMode,
) -> sqlx::Result<()> {
    let (wanted, text) = journal_mode(mode);
    let actual: String = connection.fetch_one(text).await?.try_get(0)?;
    if actual.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(SqlFailure::Setting { setting: "journal mode", wanted, actual }.into())
}

/// The mode's name, and how it is set.
const fn journal_mode(mode: SqliteJournalMode) -> (&'static str, &'static str) {
    match mode {
        SqliteJournalMode::Delete => ("delete", "PRAGMA journal_mode = delete"),
        SqliteJournalMode::Truncate => ("truncate", "PRAGMA journal_mode = truncate"),
        SqliteJournalMode::Persist => ("persist", "PRAGMA journal_mode = persist"),
        SqliteJournalMode::Memory => ("memory", "PRAGMA journal_mode = memory"),
        SqliteJournalMode::Wal => ("wal", "PRAGMA journal_mode = wal"),
        SqliteJournalMode::Off => ("off", "PRAGMA journal_mode = off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_for_a_path() {
        for path in [":memory:", "file:x?mode=memory", "shop.db"] {
            assert_eq!(as_plain_path(Path::new(path)), PathBuf::from(format!("./{path}")));
        }
        assert_eq!(as_plain_path(Path::new("/srv/shop.db")), PathBuf::from("/srv/shop.db"));
    }
}
