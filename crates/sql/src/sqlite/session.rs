use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use sessionpool_core::{
    CommitOutcome, Condition, Fault, Savepoint, Session, Transactional, TxOptions,
};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Error, Executor, SqlSafeStr};

use tokio::sync::Mutex;

use super::config::BeginMode;
use super::error::{self, SqliteFailure};
use super::tripwire::Tripwire;
use crate::mark::{Effect, Mark};

/// A connection to an SQLite database.
///
/// `&mut SqliteSession` is an [`sqlx::Executor`]: queries run on a lease, a
/// transaction or a unit as they would on sqlx's own connection.
///
/// # What a borrower may leave behind
///
/// An open transaction, the borrower's own `BEGIN` included, is rolled back when
/// the session comes back. Any other trace (a `PRAGMA`, an attached database, a
/// temporary table, several statements in one text, whatever was done through
/// [`connection`](Self::connection)) makes [`release`](Session::release) fail with
/// [`SqliteFailure::Touched`], so that the pool ends the session and opens a
/// fresh one. What a statement leaves is judged by its first words.
///
/// Three numbers do get through: `last_insert_rowid()`, `changes()` and
/// `total_changes()` still tell of earlier borrowers' statements. Read them right
/// after your own, or from sqlx's result.
///
/// # Cancel safety
///
/// SQLite does not hear of a dropped future or stream: the statement runs to its
/// end in the session's thread, and what it writes outside a transaction stays.
/// The session is [`Condition::Busy`]; whatever is asked of it next waits.
#[derive(Debug)]
pub struct SqliteSession {
    pub(super) connection: SqliteConnection,
    pub(super) mark: Mark,
    pub(super) tripwire: Tripwire,
    begin_mode: BeginMode,
    /// SQLite was told to refuse writes.
    query_only: bool,
    savepoints: u64,
    /// Whoever has it may close.
    closing: Arc<Mutex<()>>,
}

impl SqliteSession {
    pub(super) async fn new(
        mut connection: SqliteConnection,
        begin_mode: BeginMode,
        closing: Arc<Mutex<()>>,
    ) -> sqlx::Result<Self> {
        let tripwire = Tripwire::stretch(&mut connection).await?;
        let mark = Mark::default();
        let (query_only, savepoints) = (false, 0);
        Ok(Self { connection, mark, tripwire, begin_mode, query_only, savepoints, closing })
    }

    /// The raw connection, for what sqlx offers on nothing else: migrations, hooks,
    /// the handle.
    ///
    /// The session is not lent again afterwards: what was done with the connection
    /// cannot be known. sqlx's own transactions are no good on it, as they know
    /// nothing of this session's.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        self.mark.touch("use of its raw connection");
        &mut self.connection
    }

    pub(super) async fn ping(&mut self) -> sqlx::Result<()> {
        self.watch(Effect::Nothing, |connection| connection.ping().boxed()).await
    }

    /// Talks to the database with the session marked busy, unless the transaction
    /// this belongs to is gone.
    pub(super) async fn watch<'s, T>(
        &'s mut self,
        effect: Effect,
        talk: impl FnOnce(&'s mut SqliteConnection) -> BoxFuture<'s, sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        let Self { connection, tripwire, mark, .. } = self;
        let unsettled = mark.is_busy();
        mark.enter(effect);
        let answer = match tripwire.admit(connection, unsettled).await {
            Ok(()) => talk(connection).await,
            Err(error) => Err(error),
        };
        mark.leave(answer.as_ref().err().map(error::fault));
        answer
    }

    /// Sends a statement of our own.
    async fn send(&mut self, sql: impl SqlSafeStr + Send) -> sqlx::Result<()> {
        let sql = sql.into_sql_str();
        self.watch(Effect::Nothing, |connection| connection.execute(sql)).await.map(drop)
    }

    /// Rolls back whatever transaction is open, ours or the borrower's own.
    ///
    /// The session is lost if that fails: nobody knows then what is open.
    async fn roll_back(&mut self) -> sqlx::Result<()> {
        self.tripwire.disarm();
        let text = if self.query_only { "PRAGMA query_only = 0; ROLLBACK" } else { "ROLLBACK" };
        match self.send(text).await {
            Err(error) if !error::is_no_transaction(&error) => {
                self.mark.lose(Fault::SessionLost);
                Err(error)
            }
            Ok(()) | Err(_) => {
                self.settle();
                Ok(())
            }
        }
    }

    async fn send_commit(&mut self) -> sqlx::Result<()> {
        self.send(if self.query_only { "PRAGMA query_only = 0; COMMIT" } else { "COMMIT" }).await
    }

    /// Finds out what became of a unit whose commit was answered with `error`, and
    /// leaves no transaction open. It may be `in_part` committed by the borrower.
    async fn fail_commit(&mut self, error: Error, in_part: bool) -> CommitOutcome<Error> {
        if error::leaves_commit_in_doubt(&error) {
            self.mark.lose(Fault::SessionLost);
            return CommitOutcome::Unknown(error);
        }
        let error = if error::is_no_transaction(&error) {
            SqliteFailure::NoTransaction.into()
        } else {
            error
        };
        // Where there is nothing to roll back that is no error, and where there is
        // one the mark says so: nothing more was or will be committed either way.
        let _ = self.roll_back().await;
        if in_part { CommitOutcome::Unknown(error) } else { CommitOutcome::RolledBack(Some(error)) }
    }

    /// Notes that no transaction is open.
    const fn settle(&mut self) {
        self.tripwire.disarm();
        self.query_only = false;
        self.mark.settle();
    }

    /// Sends a statement about a savepoint of the open transaction.
    ///
    /// Without one, `SAVEPOINT` would begin it and `RELEASE` commit it. Neither
    /// writes anything, so to drop either half way abandons no write.
    async fn send_savepoint(&mut self, effect: Effect, text: String) -> sqlx::Result<()> {
        if !self.tripwire.is_armed() {
            return Err(SqliteFailure::NoTransaction.into());
        }
        let sql = AssertSqlSafe(text).into_sql_str();
        self.watch(effect, |connection| connection.execute(sql)).await.map(drop)
    }
}

impl Session for SqliteSession {
    type Error = Error;

    fn condition(&self) -> Condition {
        self.mark.condition()
    }

    /// Locks and snapshots lost to another session are a conflict, input and output
    /// errors and a dead thread the loss of the session. What could not be opened is
    /// transient where a lock or the machine was in the way, and rejected otherwise.
    fn classify(error: &Error) -> Fault {
        error::fault(error)
    }

    /// Rolls back what is open, after the end of a statement whose future was
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`SqliteFailure::Touched`] if the borrower left something no rollback undoes.
    async fn release(this: &mut Self) -> Result<(), Error> {
        if let Some(by) = this.mark.touched() {
            return Err(SqliteFailure::Touched { by }.into());
        }
        match this.condition() {
            Condition::Clean => Ok(()),
            Condition::Dirty | Condition::Busy => this.roll_back().await,
            Condition::Broken(_) => Err(SqliteFailure::Touched { by: "the failure it met" }.into()),
        }
    }

    /// Ends the session's thread and waits until it has closed the database, one
    /// session after another: the last of a file takes its log along.
    async fn close(this: Self) -> Result<(), Error> {
        let _turn = this.closing.lock().await;
        this.connection.close().await
    }

    /// Lets the session's thread end by itself, after the statement it may be at.
    fn abort(this: Self) {
        drop(this);
    }
}

impl Transactional for SqliteSession {
    /// True once a lock or a snapshot was lost to another session.
    fn has_conflict(&self) -> bool {
        self.mark.has_conflict()
    }

    /// Begins as [`Sqlite::begin_mode`](super::Sqlite::begin_mode) says, or, for a
    /// read-only unit, without a lock and with writes refused.
    ///
    /// Every isolation asked for is satisfied: there is only serializable.
    async fn begin(this: &mut Self, options: &TxOptions) -> Result<(), Error> {
        if this.query_only {
            this.roll_back().await?; // a read-only begin that was dropped half way
        }
        this.mark.open();
        this.query_only = options.read_only;
        let begun = this.send(begin_text(this.begin_mode, options)).await;
        if begun.is_ok() {
            this.tripwire.arm();
        } else {
            // Undoes the setting; if it cannot, the mark says so.
            let _ = this.roll_back().await;
        }
        begun
    }

    /// Commits, and rolls back what cannot be committed: SQLite itself leaves the
    /// transaction open when a lock or a deferred constraint is in the way.
    ///
    /// | SQLite's answer | outcome |
    /// |---|---|
    /// | yes | committed |
    /// | a lock, a constraint, no space, no memory | rolled back, with that error |
    /// | the transaction was rolled back earlier | rolled back, [`SqliteFailure::RolledBack`] |
    /// | there is none any more | rolled back, [`SqliteFailure::NoTransaction`] |
    /// | not asked: a write was dropped half way | rolled back, [`SqliteFailure::StatementAbandoned`] |
    /// | one of these three, and a `COMMIT` of the borrower's may have kept some of it | unknown, with that error |
    /// | an input or output error, or no answer | unknown, and the session is lost |
    async fn commit(this: &mut Self) -> CommitOutcome<Error> {
        if !this.tripwire.is_armed() {
            return CommitOutcome::RolledBack(Some(SqliteFailure::NoTransaction.into()));
        }
        let finished = if this.mark.is_busy() { this.ping().await } else { Ok(()) };
        // Asked before, since our own attempt counts, too.
        let in_part = this.tripwire.saw_commit();
        let committed = match finished {
            Ok(()) if this.mark.has_abandoned() => Err(SqliteFailure::StatementAbandoned.into()),
            Ok(()) => this.send_commit().await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(()) => {
                this.settle();
                CommitOutcome::Committed
            }
            Err(error) => this.fail_commit(error, in_part).await,
        }
    }

    async fn rollback(this: &mut Self) -> Result<(), Error> {
        match this.condition() {
            Condition::Clean => Ok(()),
            Condition::Dirty | Condition::Busy | Condition::Broken(_) => this.roll_back().await,
        }
    }

    async fn savepoint(this: &mut Self) -> Result<Savepoint, Error> {
        this.savepoints += 1;
        let savepoint = Savepoint::new(this.savepoints);
        this.send_savepoint(Effect::Read, format!("SAVEPOINT {}", name(savepoint))).await?;
        Ok(savepoint)
    }

    async fn release_savepoint(this: &mut Self, savepoint: Savepoint) -> Result<(), Error> {
        this.send_savepoint(Effect::Read, format!("RELEASE {}", name(savepoint))).await
    }

    async fn rollback_to(this: &mut Self, savepoint: Savepoint) -> Result<(), Error> {
        let name = name(savepoint);
        this.send_savepoint(Effect::Nothing, format!("ROLLBACK TO {name}; RELEASE {name}")).await
    }
}

fn begin_text(mode: BeginMode, options: &TxOptions) -> &'static str {
    match mode {
        _ if options.read_only => "PRAGMA query_only = 1; BEGIN DEFERRED",
        BeginMode::Deferred => "BEGIN DEFERRED",
        BeginMode::Immediate => "BEGIN IMMEDIATE",
        BeginMode::Exclusive => "BEGIN EXCLUSIVE",
    }
}

/// A savepoint's name in SQL. Numbers are not used twice on a session.
fn name(savepoint: Savepoint) -> String {
    format!("sessionpool_{}", savepoint.number())
}
