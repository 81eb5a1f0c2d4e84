use std::sync::Arc;

use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Condition, Fault, Session, Transactional, TxOptions};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Error};
use tokio::sync::Mutex;

use super::brake::Brake;
use super::config::BeginMode;
use super::driver::SqliteDriver;
use super::tripwire::Tripwire;
use super::{effect, error};
use crate::call::Call;
use crate::conversation::{Conversation, savepoints_of_talk};
use crate::effect::Effect;
use crate::executor::impl_executor;
use crate::sandbox::impl_sandbox;

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
/// [`SqlFailure::Touched`](crate::SqlFailure::Touched), so that the pool ends the session and opens a
/// fresh one. What a statement leaves is judged by its first words.
///
/// Three numbers do get through: `last_insert_rowid()`, `changes()` and
/// `total_changes()` still tell of earlier borrowers' statements. Read them right
/// after your own, or from sqlx's result.
///
/// # Cancel safety
///
/// SQLite does not hear of a dropped future or stream: the statement goes on in the
/// session's thread, and the session is [`Condition::Busy`]. Whatever is asked of it next
/// first waits a moment for its end, and then stops it, which does nothing to a
/// transaction where it only reads, and undoes it where it writes (SQLite undoes the
/// transaction around it as well; a unit whose write was dropped is not committed either
/// way).
///
/// Three are not stopped. A write inside a `BEGIN` of the borrower's own comes to its end
/// and is part of that transaction, if he goes on; if he gives the session back, it is
/// stopped and undone. So does a write in a [sandbox](crate::Sandbox), which would be
/// undone with it. A statement that waits for another session's lock is not stopped before
/// the [busy timeout](super::Sqlite::busy_timeout).
#[derive(Debug)]
pub struct SqliteSession {
    pub(super) talk: Conversation<SqliteDriver>,
    /// Whoever has it may open or close.
    turn: Arc<Mutex<()>>,
}

impl_executor!(SqliteSession, sqlx::sqlite::Sqlite, SqliteConnection);
impl_sandbox!(SqliteSession);

impl SqliteSession {
    pub(super) async fn new(
        mut connection: SqliteConnection,
        begin_mode: BeginMode,
        turn: Arc<Mutex<()>>,
    ) -> sqlx::Result<Self> {
        let mut handle = connection.lock_handle().await?;
        let (tripwire, brake) = (Tripwire::stretch(&mut handle), Brake::fit(&mut handle));
        drop(handle);
        let driver = SqliteDriver { tripwire, brake, begin_mode, query_only: false };
        Ok(Self { talk: Conversation::new(connection, driver), turn })
    }

    /// The raw connection, for what sqlx offers on nothing else: migrations, hooks,
    /// the handle.
    ///
    /// The session is not lent again afterwards: what was done with the connection
    /// cannot be known. sqlx's own transactions are no good on it, as they know
    /// nothing of this session's.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::InsideSandbox`](crate::SqlFailure::InsideSandbox).
    pub fn connection(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        // Whoever asks has no use for a brake that a dropped release has left pulled.
        self.talk.driver.brake.let_go();
        self.talk.raw()
    }

    pub(super) async fn ping(&mut self) -> sqlx::Result<()> {
        self.talk.own(Effect::READ, |connection| connection.ping().boxed()).await
    }

    fn effect_of_call(&self, call: &mut Call<sqlx::Sqlite>) -> Effect {
        effect::of(call.text())
    }

    /// SQLite carries some pragmas out while it compiles them.
    fn effect_of_preparing(&self, sql: &str) -> Effect {
        effect::of(sql)
    }
}

impl Session for SqliteSession {
    type Error = Error;

    fn condition(&self) -> Condition {
        self.talk.mark.condition()
    }

    /// Locks and snapshots lost to another session are a conflict, input and output
    /// errors and a dead thread the loss of the session. What could not be opened is
    /// transient where a lock or the machine was in the way, and rejected otherwise.
    fn classify(error: &Error) -> Fault {
        error::fault(error)
    }

    /// Stops a statement whose future was dropped, and rolls back what is open.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::Touched`](crate::SqlFailure::Touched) if the borrower left something no rollback undoes.
    async fn release(this: &mut Self) -> Result<(), Error> {
        this.talk.release().await
    }

    /// Ends the session's thread, stops what it is at, and waits until it has closed the
    /// database, one session after another: the last of a file takes its log along.
    async fn close(this: Self) -> Result<(), Error> {
        this.talk.driver.brake.pull();
        let _taken = this.turn.lock().await;
        this.talk.connection.close().await
    }

    /// Lets the session's thread end by itself, and stops the statement it may be at.
    fn abort(this: Self) {
        drop(this);
    }
}

impl Transactional for SqliteSession {
    /// True once a lock or a snapshot was lost to another session.
    fn has_conflict(&self) -> bool {
        self.talk.has_conflict()
    }

    fn statements(&self) -> Option<u64> {
        Some(self.talk.mark.statements())
    }

    /// Begins as [`Sqlite::begin_mode`](super::Sqlite::begin_mode) says, or, for a
    /// read-only unit, without a lock and with writes refused.
    ///
    /// Every isolation asked for is satisfied: there is only serializable.
    async fn begin(this: &mut Self, options: &TxOptions) -> Result<(), Error> {
        this.talk.begin(options).await
    }

    /// Commits, and rolls back what cannot be committed: SQLite itself leaves the
    /// transaction open when a lock or a deferred constraint is in the way.
    ///
    /// | SQLite's answer | outcome |
    /// |---|---|
    /// | yes | committed |
    /// | a lock, a constraint, no space, no memory | rolled back, with that error |
    /// | the transaction was rolled back earlier | rolled back, [`SqlFailure::RolledBack`](crate::SqlFailure::RolledBack) |
    /// | there is none any more | rolled back, [`SqlFailure::NoTransaction`](crate::SqlFailure::NoTransaction) |
    /// | not asked: a write was dropped half way | rolled back, [`SqlFailure::StatementAbandoned`](crate::SqlFailure::StatementAbandoned) |
    /// | one of these three, and a `COMMIT` of the borrower's may have kept some of it | unknown, with that error |
    /// | an input or output error, or no answer | unknown, and the session is lost |
    async fn commit(this: &mut Self) -> CommitOutcome<Error> {
        this.talk.commit().await
    }

    savepoints_of_talk!();
}
