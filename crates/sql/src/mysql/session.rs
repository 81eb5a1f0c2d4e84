use std::time::Duration;

use sessionpool_core::{CommitOutcome, Condition, Fault, Session, Transactional, TxOptions};
use sqlx::Error;
use sqlx::mysql::MySqlConnection;

use super::driver::MySqlDriver;
use super::line::Line;
use super::{effect, error};
use crate::call::Call;
use crate::conversation::{Conversation, savepoints_of_talk};
use crate::effect::Effect;
use crate::executor::impl_executor;
use crate::sandbox::impl_sandbox;

/// A connection to a MySQL or MariaDB database.
///
/// `&mut MySqlSession` is an [`sqlx::Executor`]: queries run on a lease, a transaction
/// or a unit as they would on sqlx's own connection.
///
/// # What a borrower may leave behind
///
/// A session reads how each statement begins. `SELECT`, `INSERT`, `UPDATE`, `DELETE`,
/// `REPLACE`, `VALUES`, `WITH` and a few like them leave it clean, and it goes to the next
/// borrower without a round trip. After a borrower's own `BEGIN` a transaction may be
/// open, and is rolled back. Anything else, several statements in one text, and the use of
/// the [raw connection](Self::connection) mean that state of the session was touched:
/// settings, user variables, temporary tables, user locks, the current database. No
/// statement puts these back, so the session is ended, and the pool opens a fresh one. See
/// [`Reset`](crate::Reset).
///
/// What cannot be seen is what a function or a trigger of yours does. `GET_LOCK` and
/// `@variable :=` are seen in a statement's text. `LAST_INSERT_ID()`, `ROW_COUNT()` and
/// `FOUND_ROWS()` still tell of earlier borrowers' statements.
///
/// # Statements that commit by themselves
///
/// `CREATE`, `ALTER`, `DROP` and their like commit the open transaction before they begin,
/// also where they fail. What comes after in a unit would be committed statement by
/// statement: it is refused, with [`SqlFailure::NoTransaction`](crate::SqlFailure::NoTransaction),
/// and the unit's outcome is unknown. So is what comes after a deadlock (1213), which
/// undoes the whole transaction, with
/// [`SqlFailure::PendingRollback`](crate::SqlFailure::PendingRollback); a lock that was not
/// granted in time (1205) undoes its statement alone.
///
/// # Cancel safety
///
/// A statement whose future or stream is dropped goes on and leaves the session
/// [`Condition::Busy`]. Whatever is asked of it next first reads the rest of the old
/// answer. What is not answered in a moment is ended at the server (`KILL QUERY`), over a
/// connection beside the sessions; a read inside a unit is not, as that would cost the
/// unit. A session that cannot be brought to its senses is ended.
#[derive(Debug)]
pub struct MySqlSession {
    pub(super) talk: Conversation<MySqlDriver>,
}

impl_executor!(MySqlSession, sqlx::mysql::MySql, Line);
impl_sandbox!(MySqlSession);

impl MySqlSession {
    pub(super) fn new(line: Line, driver: MySqlDriver) -> Self {
        Self { talk: Conversation::new(line, driver) }
    }

    /// The raw connection, for what sqlx offers on nothing else: migrations.
    ///
    /// The session is not lent again afterwards, since what was done with the connection
    /// cannot be known. sqlx's own transactions are no good on it, as they know nothing
    /// of this session's.
    ///
    /// # Errors
    ///
    /// What was left half way did not come to its end; or
    /// [`SqlFailure::InsideSandbox`](crate::SqlFailure::InsideSandbox).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping this. A request of the raw connection's own that is
    /// dropped half way leaves the connection unusable: so it is with sqlx.
    pub async fn connection(&mut self) -> sqlx::Result<&mut MySqlConnection> {
        self.talk.settle_soon().await?;
        self.talk.raw()?.idle()
    }

    /// The server's number for the session, as `CONNECTION_ID()` says.
    #[must_use]
    pub const fn connection_id(&self) -> u64 {
        self.talk.driver.server.thread.id
    }

    /// How long the server lets the session lie idle before it ends it: its
    /// `wait_timeout` when the session was opened. A pool [goes by it](Session::idle_limit).
    #[must_use]
    pub const fn server_idle_limit(&self) -> Duration {
        self.talk.driver.server.wait_timeout
    }

    fn effect_of_call(&self, call: &mut Call<sqlx::mysql::MySql>) -> Effect {
        self.effect(call.text())
    }

    /// To prepare a statement does nothing of what it does.
    fn effect_of_preparing(&self, _: &str) -> Effect {
        Effect::READ
    }

    fn effect(&self, sql: &str) -> Effect {
        self.limited(effect::of(sql, self.talk.driver.server.syntax))
    }

    /// What of an effect counts for this backend.
    pub(super) fn limited(&self, effect: Effect) -> Effect {
        self.talk.driver.config.reset.heeds(effect)
    }
}

impl Session for MySqlSession {
    type Error = Error;

    fn condition(&self) -> Condition {
        self.talk.mark.condition()
    }

    /// None in a [sandbox](crate::Sandbox): ended before the server does it, it would be
    /// lost all the same.
    fn idle_limit(&self) -> Option<Duration> {
        self.talk.kept.is_none().then(|| self.server_idle_limit())
    }

    /// Deadlocks are a conflict; a broken line, a shutdown, a killed session the loss of
    /// the backend, as is a write refused by a node that only reads (1290, 1836); the limit
    /// to idle sessions (4031) and a garbled answer the loss of the session alone.
    ///
    /// A session knows more than its error: asked to be read-only it takes 1290 and 1836
    /// for what they are, and told so it takes a lock that was not granted (1205) for a
    /// conflict; its [`condition`](Session::condition) and the pool go by that. (A write in
    /// a read-only transaction is another error, 1792, and the statement's own.)
    fn classify(error: &Error) -> Fault {
        error::fault(error)
    }

    /// Ends what was left half way, and rolls back what is open.
    ///
    /// # Errors
    ///
    /// The server did not do it, or
    /// [`SqlFailure::Touched`](crate::SqlFailure::Touched) if the borrower left something
    /// no rollback undoes.
    async fn release(this: &mut Self) -> Result<(), Error> {
        this.talk.release().await
    }

    /// Says goodbye, after the server was told to drop what it is still at.
    async fn close(mut this: Self) -> Result<(), Error> {
        if this.talk.mark.is_busy() && this.talk.driver.can_cancel() {
            // If that fails, the server finds out by itself.
            let _ = this.talk.driver.cancel().await;
        }
        this.talk.connection.close().await
    }

    /// Shuts the line. The server notices at the end of the statement it is at.
    fn abort(this: Self) {
        drop(this);
    }
}

impl Transactional for MySqlSession {
    /// True once the transaction met a deadlock.
    fn has_conflict(&self) -> bool {
        self.talk.has_conflict()
    }

    fn statements(&self) -> Option<u64> {
        Some(self.talk.mark.statements())
    }

    /// Begins with all that is asked for, in one round trip. If the server refuses
    /// any of it, nothing has begun.
    async fn begin(this: &mut Self, options: &TxOptions) -> Result<(), Error> {
        this.talk.begin(options).await
    }

    /// Commits, in one round trip, what is still this unit's transaction.
    ///
    /// | MySQL's answer | outcome |
    /// |---|---|
    /// | yes | committed |
    /// | a deadlock, also among a cluster's nodes | rolled back, with that error |
    /// | an earlier statement met a deadlock | rolled back, [`SqlFailure::PendingRollback`](crate::SqlFailure::PendingRollback) with that error |
    /// | not asked: a write was dropped half way | rolled back, [`SqlFailure::StatementAbandoned`](crate::SqlFailure::StatementAbandoned) |
    /// | not asked: the borrower sent a `ROLLBACK` | rolled back, [`SqlFailure::RolledBack`](crate::SqlFailure::RolledBack) |
    /// | any of these, after a statement of the borrower's that may have committed some of it: `BEGIN`, `CALL`, several statements in one text | unknown, with the same error |
    /// | the open transaction is not the unit's, or there is none: a statement of the borrower's ended it | unknown, [`SqlFailure::NoTransaction`](crate::SqlFailure::NoTransaction) |
    /// | none, or an error in the middle of it (1180) | unknown, and the session is lost |
    async fn commit(this: &mut Self) -> CommitOutcome<Error> {
        this.talk.commit().await
    }

    savepoints_of_talk!();
}
