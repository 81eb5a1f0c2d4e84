use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use sessionpool_core::{Fault, TxOptions};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Error, Executor, SqlStr};
use tokio::time::timeout;

use super::brake::Brake;
use super::config::BeginMode;
use super::error;
use super::tripwire::Tripwire;
use crate::conversation::{Conversation, MOMENT, name};
use crate::driver::{Driver, Verdict};
use crate::effect::Effect;
use crate::failure::SqlFailure;
use crate::mark::{Answer, Mark};

/// What is SQLite's own.
#[derive(Debug)]
pub(super) struct SqliteDriver {
    pub(super) tripwire: Tripwire,
    pub(super) brake: Brake,
    pub(super) begin_mode: BeginMode,
    /// SQLite was told to refuse writes.
    pub(super) query_only: bool,
}

impl Driver for SqliteDriver {
    type Connection = SqliteConnection;

    fn judge(&self, error: &Error, _: &Mark) -> Fault {
        error::fault(error)
    }

    fn leaves_commit_in_doubt(error: &Error) -> bool {
        error::leaves_commit_in_doubt(error)
    }

    fn discards(&self) -> bool {
        true
    }

    fn execute(connection: &mut SqliteConnection, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        connection.execute(sql).map_ok(drop).boxed()
    }

    /// A read that is stopped does not cost its transaction. A write does, without a word
    /// to its borrower: only we know of our own transactions that nothing more may be
    /// committed in them.
    fn spares(dropped: &Effect, mark: &Mark) -> bool {
        dropped.writes && mark.is_open() && !mark.is_ours()
    }

    /// Waits a moment for the end of what was dropped, however much patience there is, and
    /// stops it then.
    async fn settle(
        talk: &mut Conversation<Self>,
        patience: Option<Duration>,
    ) -> sqlx::Result<Option<Answer>> {
        let is_stopped = patience.is_some() && may_be_stopped(talk);
        let Conversation { connection, driver, keeping, .. } = talk;
        if !is_stopped {
            connection.ping().await?;
        } else if let Ok(ended) = timeout(MOMENT, connection.ping()).await {
            ended?;
        } else {
            driver.brake.pull();
            connection.ping().await?;
        }
        driver.brake.let_go();
        if let Some(keeping) = keeping {
            // sqlx carries on with a text only while somebody listens, and may have done no
            // more than release the last one. Where this one is there, another of its name
            // does no harm.
            let text = format!("SAVEPOINT {}", name(*keeping));
            connection.execute(AssertSqlSafe(text)).await?;
        }
        Ok(None)
    }

    fn refuses(&self, _: &Effect, _: &Mark) -> Option<SqlFailure> {
        self.tripwire.has_tripped().then_some(SqlFailure::RolledBack)
    }

    fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure> {
        unsupported(options).map(|option| SqlFailure::Unsupported { option })
    }

    /// Begins as [`Sqlite::begin_mode`](super::Sqlite::begin_mode) says, or, for a
    /// read-only unit, without a lock and with writes refused.
    async fn begin(talk: &mut Conversation<Self>, options: &TxOptions) -> sqlx::Result<()> {
        talk.driver.query_only = options.read_only;
        talk.send(Effect::WRITE, begin_text(talk.driver.begin_mode, options)).await?;
        talk.driver.tripwire.arm();
        Ok(())
    }

    async fn commit(talk: &mut Conversation<Self>) -> Verdict {
        // Asked before, since our own attempt counts, too.
        let in_part = talk.driver.tripwire.saw_commit();
        if talk.driver.tripwire.has_tripped() {
            return Verdict::Refused { error: SqlFailure::RolledBack.into(), in_part };
        }
        let text = talk.driver.with_writes("PRAGMA query_only = 0; COMMIT", "COMMIT");
        match talk.send(Effect::WRITE, text).await {
            Ok(()) => {
                talk.driver.settle();
                Verdict::Committed
            }
            Err(error) if error::leaves_commit_in_doubt(&error) => Verdict::Unknown(error),
            Err(error) => Verdict::Refused { error: error::of_commit(error), in_part },
        }
    }

    async fn roll_back(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        talk.driver.tripwire.disarm();
        let text = talk.driver.with_writes("PRAGMA query_only = 0; ROLLBACK", "ROLLBACK");
        match talk.send(Effect::WRITE, text).await {
            Err(error) if !error::is_no_transaction(&error) => Err(error),
            Ok(()) | Err(_) => {
                talk.driver.settle();
                Ok(())
            }
        }
    }

    async fn clean(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        if talk.mark.is_open() { Self::roll_back(talk).await } else { Ok(()) }
    }

    /// A unit that only reads is not held to it here.
    fn begin_inside(&mut self, _: &TxOptions) -> String {
        String::new()
    }

    async fn commit_inside(talk: &mut Conversation<Self>, keep: String) -> Verdict {
        if talk.driver.tripwire.has_tripped() {
            return Verdict::Refused { error: SqlFailure::RolledBack.into(), in_part: false };
        }
        match talk.send(Effect::WRITE, AssertSqlSafe(keep)).await {
            Ok(()) => Verdict::Committed,
            Err(error) => Verdict::Refused { error, in_part: false },
        }
    }

    fn saw_commit(&self) -> Option<bool> {
        Some(self.tripwire.saw_commit())
    }
}

/// Not a commit, nor what keeps the work of a sandbox: SQLite might call it stopped though
/// it has happened. Nor a write in a sandbox, all of which would be undone with it.
fn may_be_stopped(talk: &Conversation<SqliteDriver>) -> bool {
    let writes = talk.mark.in_flight().is_some_and(|dropped| dropped.writes);
    let is_kept = talk.keeping.is_some() || (talk.kept.is_some() && writes);
    !is_kept && !talk.mark.is_committing()
}

impl SqliteDriver {
    /// Notes that no transaction is open.
    const fn settle(&mut self) {
        self.tripwire.disarm();
        self.query_only = false;
    }

    const fn with_writes(&self, allow_them: &'static str, plain: &'static str) -> &'static str {
        if self.query_only { allow_them } else { plain }
    }
}

/// The first thing asked for that SQLite cannot do. Every transaction of its is as
/// good as deferrable.
const fn unsupported(options: &TxOptions) -> Option<&'static str> {
    if options.statement_timeout.is_some() {
        Some("statement timeout")
    } else if options.lock_timeout.is_some() {
        Some("lock timeout: it is the busy timeout, the same for all")
    } else if options.idle_timeout.is_some() {
        Some("idle timeout")
    } else if !options.settings.is_empty() {
        Some("settings of its own")
    } else {
        None
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
