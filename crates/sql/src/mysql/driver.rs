use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::TryStreamExt;
use sessionpool_core::{Fault, TxOptions};
use sqlx::{AssertSqlSafe, Connection, Error, SqlSafeStr, SqlStr};
use tokio::time::timeout;

use super::backend::Server;
use super::canceller::Canceller;
use super::config::Config;
use super::line::Line;
use super::{error, text};
use crate::conversation::{Conversation, Driver, Verdict, answer};
use crate::effect::{Control, Effect};
use crate::failure::{FirstError, SqlFailure};
use crate::mark::{Answer, Mark};
use crate::reset::Reset;

/// What is MySQL's own.
#[derive(Debug)]
pub(super) struct MySqlDriver {
    pub(super) config: Arc<Config>,
    pub(super) server: Server,
    canceller: Arc<Canceller>,
    /// The server may be told to end a statement, and has not confirmed that.
    cancelling: bool,
    /// The open unit was asked to be read-only.
    read_only: bool,
    /// What the open unit has set on its session, undone.
    undo: String,
    /// How many units were begun.
    units: u64,
}

impl MySqlDriver {
    pub(super) const fn new(
        config: Arc<Config>,
        server: Server,
        canceller: Arc<Canceller>,
    ) -> Self {
        Self {
            config,
            server,
            canceller,
            cancelling: false,
            read_only: false,
            undo: String::new(),
            units: 0,
        }
    }

    /// Has the server end what the session is at. Until that is answered the session
    /// is of no use.
    pub(super) async fn cancel(&mut self) -> sqlx::Result<()> {
        self.cancelling = true;
        self.canceller.cancel(&self.server.thread).await?;
        self.cancelling = false;
        Ok(())
    }

    /// True if nobody was told in vain.
    pub(super) const fn can_cancel(&self) -> bool {
        !self.cancelling
    }

    /// Notes that no unit is open, and gives what it has set, undone.
    fn end_unit(&mut self) -> String {
        self.read_only = false;
        std::mem::take(&mut self.undo)
    }
}

impl Driver for MySqlDriver {
    type Connection = Line;

    fn judge(&self, error: &Error, mark: &Mark) -> Fault {
        let meant_to_be_read = self.config.replica || self.read_only || mark.touched().is_some();
        match error::number(error) {
            Some(1290 | 1836) if meant_to_be_read => Fault::Other,
            Some(error::LOCK_WAIT_TIMEOUT) if self.config.lock_timeout_is_conflict => {
                Fault::Conflict
            }
            _ => error::fault(error),
        }
    }

    fn aborts(&self, error: &Error) -> Option<FirstError> {
        error::aborts(error, self.server.undoes_on_lock_timeout)
    }

    fn is_stale(error: &Error) -> bool {
        error::is_stale(error)
    }

    /// There is no text that puts everything back.
    fn discards(&self) -> bool {
        self.config.reset != Reset::Rollback
    }

    fn execute(line: &mut Line, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        line.execute(sql)
    }

    /// Reads what the server still has to say. A commit is left to come to its end.
    async fn settle(talk: &mut Conversation<Self>, patience: Option<Duration>) -> sqlx::Result<()> {
        let Conversation { connection: line, driver, mark, .. } = talk;
        if driver.cancelling {
            return Err(SqlFailure::CancelInDoubt.into());
        }
        let patience = patience.filter(|_| !mark.is_committing());
        let late = match patience {
            None => line.finish().await,
            Some(patience) => match timeout(patience, line.finish()).await {
                Ok(late) => late,
                Err(_) => {
                    driver.cancel().await?;
                    let late = line.finish().await;
                    take_late_kill(line).await?;
                    late
                }
            },
        };
        match late {
            Some(error) if !error::is_of_statement(&error) => Err(error),
            late => {
                mark.finish(late.map(|error| answer(driver, mark, &error)));
                Ok(())
            }
        }
    }

    fn refuses(&self, _: &Effect, mark: &Mark) -> Option<SqlFailure> {
        let name = self.config.required.first().filter(|_| !mark.is_ours())?;
        Some(SqlFailure::OutsideUnit { setting: name.clone().into_owned() })
    }

    async fn prepare(line: &mut Line, mark: &mut Mark) -> sqlx::Result<()> {
        if mark.is_stale() {
            line.idle()?.clear_cached_statements().await?;
            mark.refresh();
        }
        Ok(())
    }

    fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure> {
        let has = |wanted: &str| options.settings.iter().any(|(name, _)| name == wanted);
        if let Some(missing) = self.config.required.iter().find(|name| !has(name)) {
            return Some(SqlFailure::MissingSetting { setting: missing.clone().into_owned() });
        }
        options.deferrable.then_some(SqlFailure::Unsupported { option: "deferrable mode" })
    }

    async fn begin(talk: &mut Conversation<Self>, options: &TxOptions) -> sqlx::Result<()> {
        talk.driver.units += 1;
        talk.driver.read_only = options.read_only;
        let begin = text::begin(options, talk.driver.units, talk.driver.server.flavour);
        talk.driver.undo = begin.undo;
        let begun = talk.send(Effect::control(Control::Any), AssertSqlSafe(begin.text)).await;
        if begun.is_err() && options.isolation.is_some() {
            talk.mark.touch("an isolation that waits for its transaction");
        }
        begun
    }

    async fn commit(talk: &mut Conversation<Self>) -> Verdict {
        let text = text::commit(talk.driver.units, &talk.driver.undo);
        let Conversation { connection: line, driver, mark, .. } = talk;
        mark.enter(Effect::control(Control::Any));
        let mut done = 0;
        let sent = send_counting(line, AssertSqlSafe(text).into_sql_str(), &mut done).await;
        mark.leave(match &sent {
            Ok(()) => Answer::Done,
            Err(error) => answer(driver, mark, error),
        });
        let Err(error) = sent else {
            driver.end_unit();
            return Verdict::Committed;
        };
        if done > text::BEFORE_COMMIT {
            // Committed; what the unit has set is still there.
            driver.end_unit();
            mark.lose(Fault::SessionLost);
            return Verdict::Committed;
        }
        if error::leaves_commit_in_doubt(&error) {
            return Verdict::Unknown(error);
        }
        match error::number(&error) {
            Some(error::NO_SAVEPOINT) if done < text::BEFORE_COMMIT => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            _ => Verdict::Refused { error, in_part: false },
        }
    }

    /// A unit that only reads is not held to it here.
    fn begin_inside(&mut self, options: &TxOptions) -> String {
        let settings = text::settings(options, self.server.flavour);
        self.undo = settings.undo;
        settings.text
    }

    /// The first statement of `keep` releases a savepoint that goes with the transaction.
    async fn commit_inside(talk: &mut Conversation<Self>, mut keep: String) -> Verdict {
        text::push_all(&mut keep, &talk.driver.end_unit());
        match talk.send(Effect::control(Control::Any), AssertSqlSafe(keep)).await {
            Ok(()) => Verdict::Committed,
            Err(error) if error::number(&error) == Some(error::NO_SAVEPOINT) => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            Err(error) => Verdict::Refused { error, in_part: false },
        }
    }

    fn undo_inside(&mut self) -> String {
        self.end_unit()
    }

    async fn roll_back(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        let text = text::rollback(&talk.driver.end_unit());
        talk.send(Effect::control(Control::Any), AssertSqlSafe(text)).await
    }

    async fn clean(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        if talk.mark.is_open() {
            Self::roll_back(talk).await?;
        }
        if talk.mark.is_unprepared() || talk.mark.is_stale() {
            talk.mark.enter(Effect::READ);
            talk.connection.idle()?.clear_cached_statements().await?;
            talk.mark.leave(Answer::Done);
        }
        Ok(())
    }
}

/// Sends a text, and counts the statements in it that were answered.
async fn send_counting(line: &mut Line, sql: SqlStr, done: &mut usize) -> sqlx::Result<()> {
    let mut steps = line.run(sql);
    while steps.try_next().await?.is_some() {
        *done += 1;
    }
    Ok(())
}

/// A thread that was told when its statement had ended takes notice at the next one:
/// at this one.
async fn take_late_kill(line: &mut Line) -> sqlx::Result<()> {
    match line.execute(AssertSqlSafe("DO 0").into_sql_str()).await {
        Err(error) if error::number(&error) != Some(error::INTERRUPTED) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
