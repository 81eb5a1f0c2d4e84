use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt};
use sessionpool_core::{Fault, TxOptions};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Either, Error, Executor, SqlSafeStr, SqlStr};
use tokio::time::timeout;

use super::canceller::{Canceller, Process};
use super::config::Config;
use super::{error, text};
use crate::conversation::{Conversation, Driver, Verdict, answer};
use crate::effect::{Control, Effect};
use crate::failure::{FirstError, SqlFailure};
use crate::mark::{Answer, Mark};
use crate::reset::Reset;

/// What is PostgreSQL's own.
#[derive(Debug)]
pub(super) struct PgDriver {
    pub(super) config: Arc<Config>,
    /// How a session is put back to what it was.
    pub(super) reset: String,
    /// The process behind the session, where there is one of its own, and who can
    /// interrupt it.
    pub(super) process: Option<(Process, Arc<Canceller>)>,
    /// A signal may be on its way to the process, to hit whatever it is at.
    cancelling: bool,
    /// The open unit was asked to be read-only.
    read_only: bool,
    /// How many units were begun.
    units: u64,
}

impl PgDriver {
    pub(super) fn new(
        config: Arc<Config>,
        settings: &str,
        process: Option<(Process, Arc<Canceller>)>,
    ) -> Self {
        let mut reset = text::RESET.to_owned();
        if !settings.is_empty() {
            text::push(&mut reset, settings);
        }
        Self { config, reset, process, cancelling: false, read_only: false, units: 0 }
    }

    /// Has the server cancel what the session is at. Until that is answered the
    /// session is of no use.
    pub(super) async fn cancel(&mut self) -> sqlx::Result<()> {
        let Some((process, canceller)) = &self.process else { return Ok(()) };
        self.cancelling = true;
        canceller.cancel(process).await?;
        self.cancelling = false;
        Ok(())
    }

    /// True if there is somebody to ask for it, and nobody has been asked in vain.
    pub(super) const fn can_cancel(&self) -> bool {
        self.process.is_some() && !self.cancelling
    }

    /// Of the settings a unit must bring along, one that it does not.
    fn missing(&self, options: &TxOptions) -> Option<String> {
        let has = |wanted: &str| options.settings.iter().any(|(name, _)| name == wanted);
        self.config.required.iter().find(|name| !has(name)).map(|name| name.clone().into_owned())
    }
}

impl Driver for PgDriver {
    type Connection = PgConnection;

    fn judge(&self, error: &Error, mark: &Mark) -> Fault {
        match error::code(error) {
            Some(error::READ_ONLY)
                if self.config.replica || self.read_only || mark.touched().is_some() =>
            {
                Fault::Other
            }
            Some(error::LOCK_NOT_AVAILABLE) if self.config.lock_timeout_is_conflict => {
                Fault::Conflict
            }
            _ => error::fault(error),
        }
    }

    fn aborts(&self, error: &Error) -> Option<FirstError> {
        error::aborts(error)
    }

    fn is_stale(error: &Error) -> bool {
        error::is_stale(error)
    }

    fn discards(&self) -> bool {
        self.config.reset == Reset::Discard
    }

    fn execute(connection: &mut PgConnection, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        connection.execute(sql).map_ok(drop).boxed()
    }

    /// Reads what the server still has to say. A commit is left to come to its end.
    async fn settle(talk: &mut Conversation<Self>, patience: Option<Duration>) -> sqlx::Result<()> {
        let Conversation { connection, driver, mark, .. } = talk;
        if driver.cancelling {
            return Err(SqlFailure::CancelInDoubt.into());
        }
        let patience = patience.filter(|_| driver.can_cancel() && !mark.is_committing());
        let late = match patience {
            None => drain(connection).await?,
            Some(patience) => match timeout(patience, drain(connection)).await {
                Ok(late) => late?,
                Err(_) => {
                    driver.cancel().await?;
                    drain(connection).await?
                }
            },
        };
        mark.finish(late.map(|error| answer(driver, mark, &error)));
        Ok(())
    }

    async fn admit(&mut self, connection: &mut PgConnection, mark: &mut Mark) -> sqlx::Result<()> {
        if let Some(name) = self.config.required.first().filter(|_| !mark.is_ours()) {
            return Err(SqlFailure::OutsideUnit { setting: name.clone().into_owned() }.into());
        }
        let spans = mark.in_flight().is_some_and(|effect| effect.spans);
        if self.config.behind_pooler && spans && !mark.is_open() {
            return Err(SqlFailure::NeedsTransaction.into());
        }
        if mark.is_stale() {
            Box::pin(connection.clear_cached_statements()).await?;
            mark.refresh();
        }
        Ok(())
    }

    async fn begin(talk: &mut Conversation<Self>, options: &TxOptions) -> sqlx::Result<()> {
        if let Some(setting) = talk.driver.missing(options) {
            return Err(SqlFailure::MissingSetting { setting }.into());
        }
        talk.driver.units += 1;
        talk.driver.read_only = options.read_only;
        let text = text::begin(options, talk.driver.units);
        talk.send(Effect::control(Control::Any), AssertSqlSafe(text)).await
    }

    async fn commit(talk: &mut Conversation<Self>) -> Verdict {
        let text = AssertSqlSafe(text::commit(talk.driver.units)).into_sql_str();
        let Conversation { connection, driver, mark, .. } = talk;
        mark.enter(Effect::control(Control::Any));
        let mut is_ours = false;
        let sent = send_commit(connection, text, &mut is_ours).await;
        mark.leave(match &sent {
            Ok(()) => Answer::Done,
            Err(error) => answer(driver, mark, error),
        });
        let Err(error) = sent else {
            driver.read_only = false;
            return Verdict::Committed;
        };
        let is_direct = !driver.config.behind_pooler;
        if error::leaves_commit_in_doubt(&error) {
            if !is_ours && is_direct && error::ended_before(&error) {
                return Verdict::Refused { error, in_part: false };
            }
            return Verdict::Unknown(error);
        }
        match error::code(&error) {
            Some(error::DIVISION_BY_ZERO) if !is_ours => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            _ => Verdict::Refused { error, in_part: false },
        }
    }

    async fn roll_back(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        talk.driver.read_only = false;
        talk.send(Effect::control(Control::Any), text::ROLLBACK).await
    }

    async fn clean(talk: &mut Conversation<Self>) -> sqlx::Result<()> {
        let mut text = String::new();
        if talk.mark.is_open() {
            text::push(&mut text, text::ROLLBACK);
        }
        // Behind a pooler there is no session of ours to reset.
        let is_direct = !talk.driver.config.behind_pooler;
        if talk.mark.is_unprepared() && is_direct {
            text::push(&mut text, text::DEALLOCATE);
        }
        if talk.mark.touched().is_some() && is_direct {
            text::push(&mut text, &talk.driver.reset);
        }
        if !text.is_empty() {
            talk.send(Effect::control(Control::Any), AssertSqlSafe(text)).await?;
        }
        if talk.mark.is_unprepared() || talk.mark.is_stale() {
            talk.mark.enter(Effect::READ);
            talk.connection.clear_cached_statements().await?;
            talk.mark.leave(Answer::Done);
        }
        talk.driver.read_only = false;
        Ok(())
    }
}

/// Sends a commit and notes when its check was passed: what is answered after that
/// comes from the commit itself.
async fn send_commit(
    connection: &mut PgConnection,
    text: SqlStr,
    is_ours: &mut bool,
) -> sqlx::Result<()> {
    let mut steps = connection.fetch_many(text);
    while let Some(step) = steps.try_next().await? {
        *is_ours |= matches!(step, Either::Right(_));
    }
    Ok(())
}

/// Reads to the end of what was asked. The error that a statement dropped half way
/// came to in the end is not the next one's.
///
/// # Cancel safety
///
/// Messages are read whole; another call goes on.
async fn drain(connection: &mut PgConnection) -> sqlx::Result<Option<Error>> {
    let mut late = None;
    loop {
        match connection.flush().await {
            Ok(()) => return Ok(late),
            Err(error) if error::is_of_statement(&error) => {
                late.get_or_insert(error);
            }
            // The server's own last words say more than the broken line after them.
            Err(error) => return Err(late.unwrap_or(error)),
        }
    }
}
