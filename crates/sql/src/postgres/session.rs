use std::time::Duration;

use sessionpool_core::{CommitOutcome, Condition, Fault, Session, Transactional, TxOptions};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Error};

use super::driver::PgDriver;
use super::{effect, error};
use crate::call::Call;
use crate::conversation::{Conversation, savepoints_of_talk};
use crate::effect::Effect;
use crate::executor::impl_executor;
use crate::sandbox::impl_sandbox;
use crate::statement::Syntax;

/// A connection to a PostgreSQL database.
///
/// `&mut PgSession` is an [`sqlx::Executor`]: queries run on a lease, a transaction
/// or a unit as they would on sqlx's own connection.
///
/// # What a borrower may leave behind
///
/// A session reads how each statement begins. `SELECT`, `INSERT`, `UPDATE`, `DELETE`,
/// `MERGE`, `VALUES`, `WITH` and a few like them leave it clean, and it goes to the
/// next borrower without a round trip. After a borrower's own `BEGIN` a transaction may
/// be open, and is rolled back. Anything else, several statements in one text, and the
/// use of the [raw connection](Self::connection) mean that state of the session was
/// touched: roles, settings, schemas, temporary tables, advisory locks, `LISTEN`,
/// cursors. All of it is put back in one round trip; prepared statements stay. See
/// [`Reset`](crate::Reset).
///
/// What cannot be seen is what a function does: `dblink_connect`, `setseed`,
/// `lo_open`, one of your own that calls `set_config` or takes an advisory lock.
/// (`set_config` and the locks themselves are seen in a statement's text; a
/// `set_config` whose last argument is a plain `true` ends with its transaction and
/// is let pass.) Where such functions are used, choose [`Reset::Always`](crate::Reset::Always).
///
/// After an `INSERT` into a table with a sequence, `currval` and `lastval` still tell of
/// it until a reset.
///
/// # A statement that failed in a unit
///
/// PostgreSQL takes no further statement then. Each answers with
/// [`SqlFailure::PendingRollback`](crate::SqlFailure::PendingRollback) and the first
/// error as its source, without a round trip, until the unit or a savepoint around the
/// failure is rolled back.
///
/// # Cancel safety
///
/// A statement whose future or stream is dropped leaves the session
/// [`Condition::Busy`]. Whatever is asked of it next first reads the rest of the old
/// answer. What is not answered in a moment is cancelled at the server, over a
/// connection beside the sessions; a read inside a unit is not, as that would cost the
/// unit. A session that cannot be brought to its senses is ended.
#[derive(Debug)]
pub struct PgSession {
    pub(super) talk: Conversation<PgDriver>,
}

impl_executor!(PgSession, sqlx::postgres::Postgres, PgConnection);
impl_sandbox!(PgSession);

impl PgSession {
    pub(super) fn new(connection: PgConnection, driver: PgDriver) -> Self {
        Self { talk: Conversation::new(connection, driver) }
    }

    /// The raw connection, for what sqlx offers on nothing else: `COPY`, migrations.
    ///
    /// All state of the session is put back afterwards, since what was done with the
    /// connection cannot be known. sqlx's own transactions are no good on it, as they
    /// know nothing of this session's.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::InsideSandbox`](crate::SqlFailure::InsideSandbox).
    pub fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        self.talk.raw()
    }

    /// The server's process behind the session, as `pg_backend_pid()` says; `None`
    /// behind a pooler, where it changes.
    #[must_use]
    pub fn backend_pid(&self) -> Option<i32> {
        self.talk.driver.process.as_ref().map(|(process, _)| process.pid)
    }

    /// How long the server lets the session lie idle before it ends it (57P05): its
    /// `idle_session_timeout` when the session was opened. `None` without such a limit, and
    /// behind a pooler, whose limits it does not tell. A pool
    /// [goes by it](Session::idle_limit).
    #[must_use]
    pub fn server_idle_limit(&self) -> Option<Duration> {
        self.talk.driver.process.as_ref()?.0.idle_limit
    }

    /// How the server reads what is sent; behind a pooler, as most do.
    pub(super) fn syntax(&self) -> Syntax {
        self.talk.driver.process.as_ref().map_or(effect::SYNTAX, |(process, _)| process.syntax)
    }

    fn effect_of_call(&self, call: &mut Call<sqlx::Postgres>) -> Effect {
        let spans = self.talk.driver.config.behind_pooler && call.leave_unprepared();
        Effect { spans, ..self.limited(effect::of(call.text(), self.syntax())) }
    }

    /// To prepare a statement does nothing of what it does. Behind a pooler it would
    /// stay prepared on a server session that is somebody else's next.
    fn effect_of_preparing(&self, _: &str) -> Effect {
        Effect { spans: true, ..Effect::READ }
    }

    /// An effect, as far as the backend's settings have it heeded.
    pub(super) fn limited(&self, effect: Effect) -> Effect {
        let config = &self.talk.driver.config;
        if config.behind_pooler {
            return Effect { touch: None, unprepares: false, ..effect };
        }
        config.reset.heeds(effect)
    }
}

impl Session for PgSession {
    type Error = Error;

    fn condition(&self) -> Condition {
        self.talk.mark.condition()
    }

    /// None in a [sandbox](crate::Sandbox): the server's limit is not that of a session
    /// in a transaction.
    fn idle_limit(&self) -> Option<Duration> {
        self.server_idle_limit().filter(|_| self.talk.kept.is_none())
    }

    /// Serialization failures and deadlocks are a conflict; a broken line and the
    /// server's own farewells the loss of the backend, as is a write refused by a node
    /// that only reads (25006); the limits of a single transaction (25P03, 25P04), that to
    /// idle sessions (57P05) and a garbled answer the loss of the session alone. A farewell is an error that the server
    /// calls fatal: with another severity the same code is a foreign server's, or was
    /// raised by a procedure, and says nothing of the session.
    ///
    /// A session knows more than its error: in a unit that was asked to be read-only it
    /// takes 25006 for the statement's, and told so it takes a lock that was not granted
    /// (55P03) for a conflict; its [`condition`](Session::condition) and the pool go by that.
    /// The error alone cannot tell: PostgreSQL refuses a write in the same words on a
    /// standby and in a read-only transaction, so here 25006 is always the worse.
    fn classify(error: &Error) -> Fault {
        error::fault(error)
    }

    /// Ends what was left half way, rolls back what is open, and puts back what was
    /// touched.
    ///
    /// # Errors
    ///
    /// The server did not do it, or
    /// [`SqlFailure::Touched`](crate::SqlFailure::Touched) where the backend was told
    /// to [`Discard`](crate::Reset::Discard).
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

    /// Shuts the line. A server that is at a statement of the session's notices
    /// within [`peer_check`](super::Postgres::peer_check).
    fn abort(this: Self) {
        drop(this);
    }
}

impl Transactional for PgSession {
    /// True once the transaction met a serialization failure or a deadlock.
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
    /// | PostgreSQL's answer | outcome |
    /// |---|---|
    /// | yes | committed |
    /// | a deferred constraint, a serialization failure | rolled back, with that error |
    /// | an earlier statement had failed | rolled back, [`SqlFailure::PendingRollback`](crate::SqlFailure::PendingRollback) with that error |
    /// | not asked: a write was dropped half way | rolled back, [`SqlFailure::StatementAbandoned`](crate::SqlFailure::StatementAbandoned) |
    /// | not asked: the borrower sent a `ROLLBACK` | rolled back, [`SqlFailure::RolledBack`](crate::SqlFailure::RolledBack) |
    /// | any of these, after the borrower sent what may have committed some of it: `COMMIT AND CHAIN`, a `COMMIT` among several statements | unknown, with the same error |
    /// | the open transaction is not the unit's, or there is none: the borrower ended it | unknown, [`SqlFailure::NoTransaction`](crate::SqlFailure::NoTransaction) |
    /// | none, or that the session ends | unknown, and the session is lost |
    /// | that the session had ended before | rolled back |
    async fn commit(this: &mut Self) -> CommitOutcome<Error> {
        this.talk.commit().await
    }

    savepoints_of_talk!();
}
