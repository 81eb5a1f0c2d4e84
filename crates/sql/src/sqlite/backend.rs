use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{Backend, EndsByItself};
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{Mutex, OnceCell};

use super::config::{BeginMode, Config, Place};
use super::error;
use super::session::SqliteSession;

/// One SQLite database: a [`file`](Self::file) or a named one in
/// [`memory`](Self::memory).
///
/// The settings have the defaults of a service that writes: WAL, waiting instead of
/// failing when another one writes, foreign keys enforced. They are applied to
/// each session as it is opened.
///
/// Units of work are always serializable, which satisfies any isolation asked
/// for: SQLite lets one write at a time, and a reader sees the database as it was
/// at its first statement. A unit asked to be read-only has its writes refused by
/// SQLite.
///
/// ```
/// # use sessionpool_core::{Pool, TxError};
/// # use sessionpool_sql::Sqlite;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let pool = Pool::builder(Sqlite::memory("shop")).max_size(4).build()?;
///
/// let mut lease = pool.acquire().await?;
/// sqlx::query("create table item (name text)").execute(&mut *lease).await?;
/// lease.release().await?;
///
/// pool.transaction(async |tx| {
///     sqlx::query("insert into item values (?)").bind("tea").execute(&mut **tx).await?;
///     Ok::<_, Failed>(())
/// })
/// .await?;
/// # Ok(())
/// # }
/// # #[derive(Debug, thiserror::Error)]
/// # enum Failed {
/// #     #[error(transparent)] Sql(#[from] sqlx::Error),
/// #     #[error(transparent)] Tx(#[from] TxError),
/// # }
/// ```
#[derive(Debug)]
pub struct Sqlite {
    config: Config,
    /// Keeps a database in memory alive while no session is open.
    anchor: OnceCell<SqliteConnection>,
    /// Of two sessions that close at once SQLite takes neither for the last one, and
    /// leaves its log behind; and see [`Config::connect`].
    turn: Arc<Mutex<()>>,
}

impl Sqlite {
    /// The database in the file at `path`, created if missing.
    ///
    /// A relative path is taken from the working directory at the time each session
    /// is opened. The path is a path: `:memory:` and `file:…` name files here.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::File(path.into()))
    }

    /// The database called `name` in this process's memory.
    ///
    /// Every backend of the process that says the same name means the same database.
    /// It lives from the first session opened until the last backend of that
    /// name and its last session are gone; between sessions, a connection of the
    /// backend's own keeps it.
    ///
    /// Here a writer keeps readers out, and readers a commit, up to the busy
    /// timeout: a task that reads through one session while it writes through
    /// another waits for itself. With a file it would not.
    #[must_use]
    pub fn memory(name: impl Into<String>) -> Self {
        Self::at(Place::Memory(name.into()))
    }

    fn at(place: Place) -> Self {
        Self { config: Config::new(place), anchor: OnceCell::new(), turn: Arc::default() }
    }

    /// How units that may write begin. Default: [`BeginMode::Immediate`].
    #[must_use]
    pub const fn begin_mode(mut self, mode: BeginMode) -> Self {
        self.config.begin_mode = mode;
        self
    }

    /// How long a statement waits for another session's lock before it fails with a
    /// conflict, in whole milliseconds. Default: 5 s. Zero: not at all.
    #[must_use]
    pub const fn busy_timeout(mut self, limit: Duration) -> Self {
        self.config.busy_timeout = limit;
        self
    }

    /// Creates the file if it is missing; its directory never. Default: yes.
    #[must_use]
    pub const fn create_if_missing(mut self, create: bool) -> Self {
        self.config.create_if_missing = create;
        self
    }

    /// Enforces foreign keys, which SQLite by itself does not. Default: yes.
    #[must_use]
    pub const fn foreign_keys(mut self, enforce: bool) -> Self {
        self.config.foreign_keys = enforce;
        self
    }

    /// The journal mode; `None` leaves the database's own. Default: WAL for a file,
    /// where readers and a writer do not wait for each other; none in memory.
    ///
    /// Opening fails if the database does not take it. Not set for
    /// [`read_only`](Self::read_only) sessions, which cannot change it.
    #[must_use]
    pub fn journal_mode(mut self, mode: impl Into<Option<SqliteJournalMode>>) -> Self {
        self.config.journal_mode = mode.into();
        self
    }

    /// Opens the database for reading only. Default: no.
    #[must_use]
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.config.read_only = read_only;
        self
    }

    /// How often SQLite waits for the disk. Default: `FULL`, at each commit, so that
    /// *committed* means durable.
    ///
    /// `NORMAL` under WAL is faster, and safe in that the database is never corrupted
    /// and nothing committed is lost when the process dies. When the *machine* loses
    /// power, the last units before it may be undone, whole and in order.
    #[must_use]
    pub const fn synchronous(mut self, synchronous: SqliteSynchronous) -> Self {
        self.config.synchronous = Some(synchronous);
        self
    }

    async fn connect(&self) -> sqlx::Result<SqliteSession> {
        if matches!(self.config.place, Place::Memory(_)) {
            self.anchor.get_or_try_init(|| self.config.connect(&self.turn)).await?;
        }
        let connection = self.config.connect(&self.turn).await?;
        SqliteSession::new(connection, self.config.begin_mode, Arc::clone(&self.turn)).await
    }
}

impl Backend for Sqlite {
    type Session = SqliteSession;

    /// Opens a connection, with a thread of its own, and applies the settings.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::Open`](crate::SqlFailure::Open), rejected if the settings have to change, transient
    /// if a lock or the machine was in the way.
    async fn open(&self) -> sqlx::Result<SqliteSession> {
        self.connect().await.map_err(|source| error::of_open(self.config.place.name(), source))
    }

    /// Asks the session's thread whether it still answers. The file is not touched:
    /// a check must not wait for somebody else's lock on it.
    async fn check(&self, session: &mut SqliteSession) -> sqlx::Result<()> {
        session.ping().await
    }
}

/// The session's thread ends with the session, and the file is closed.
impl EndsByItself for Sqlite {}
