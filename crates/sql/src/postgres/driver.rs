use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt};
use sessionpool_core::{Fault, TxOptions};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column, Connection, Either, Error, Executor, Row, SqlSafeStr, SqlStr};
use tokio::time::timeout;

use super::canceller::{Canceller, Process};
use super::config::Config;
use super::{error, text};
use crate::conversation::{Conversation, answer, note};
use crate::driver::{Driver, Verdict};
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
    /// The settings of the open unit inside a sandbox.
    inside: Vec<String>,
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
        Self {
            config,
            reset,
            process,
            cancelling: false,
            read_only: false,
            units: 0,
            inside: Vec::new(),
        }
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

    fn leaves_commit_in_doubt(error: &Error) -> bool {
        error::leaves_commit_in_doubt(error)
    }

    fn discards(&self) -> bool {
        self.config.reset == Reset::Discard
    }

    fn execute(connection: &mut PgConnection, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        connection.execute(sql).map_ok(drop).boxed()
    }

    /// Reads what the server still has to say. A commit is left to come to its end.
    async fn settle(
        talk: &mut Conversation<Self>,
        patience: Option<Duration>,
    ) -> sqlx::Result<Option<Answer>> {
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
        Ok(late.map(|error| answer(driver, mark, &error)))
    }

    fn refuses(&self, effect: &Effect, mark: &Mark) -> Option<SqlFailure> {
        let is_torn = self.config.behind_pooler && effect.spans && !mark.is_open();
        let needed = self.config.required.refuses(mark);
        needed.or_else(|| is_torn.then_some(SqlFailure::NeedsTransaction))
    }

    async fn prepare(connection: &mut PgConnection, mark: &mut Mark) -> sqlx::Result<()> {
        if mark.is_stale() {
            Box::pin(connection.clear_cached_statements()).await?;
            mark.refresh();
        }
        Ok(())
    }

    fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure> {
        if options.settings.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            return Some(SqlFailure::Unsupported { option: "setting with a zero byte in it" });
        }
        self.config.required.refuses_unit(options)
    }

    async fn begin(talk: &mut Conversation<Self>, options: &TxOptions) -> sqlx::Result<()> {
        let unit = talk.driver.next_unit(options);
        let text = text::begin(options, unit);
        talk.send(Effect::control(Control::Any), AssertSqlSafe(text)).await
    }

    async fn commit(talk: &mut Conversation<Self>) -> Verdict {
        let text = text::commit(talk.driver.units);
        let effect = Effect::control(Control::Any);
        talk.driver
            .commit_by(&mut talk.connection, &mut talk.mark, effect, text, Stage::Check)
            .await
    }

    /// The isolation is the sandbox's.
    fn begin_inside(&mut self, options: &TxOptions) -> String {
        self.read_only = is_read_only(options);
        let (text, settings) = text::begin_inside(options);
        self.inside = settings;
        text
    }

    async fn commit_inside(talk: &mut Conversation<Self>, keep: String) -> Verdict {
        let settings = std::mem::take(&mut talk.driver.inside);
        let text = text::commit_inside(talk.driver.units, &settings, &keep);
        let effect = Effect::control(Control::Any);
        talk.driver
            .commit_by(&mut talk.connection, &mut talk.mark, effect, text, Stage::Check)
            .await
    }

    fn reset_inside(&self) -> String {
        text::reset_inside(&self.reset, self.units)
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

/// How far a text that ends with a commit has come. What is answered from a stage on
/// comes from that stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The work itself.
    Work,
    /// Whether the transaction is the unit's.
    Check,
    /// The commit.
    Commit,
}

impl Stage {
    fn after(self, row: &PgRow) -> Self {
        match row.columns().first().map(Column::name) {
            Some(text::WORKED) => Self::Check,
            Some(text::CHECKED) => Self::Commit,
            _ => self,
        }
    }
}

impl PgDriver {
    /// Sends a text that ends with a commit, and says what became of it.
    pub(super) async fn commit_by(
        &mut self,
        connection: &mut PgConnection,
        mark: &mut Mark,
        effect: Effect,
        text: String,
        mut stage: Stage,
    ) -> Verdict {
        mark.enter(effect);
        let sent = follow(connection, AssertSqlSafe(text).into_sql_str(), &mut stage).await;
        note(self, mark, &sent);
        match sent {
            Ok(()) if stage == Stage::Commit => {
                self.read_only = false;
                Verdict::Committed
            }
            Ok(()) => Verdict::Unknown(Error::Protocol("a commit without its check".to_owned())),
            Err(error) => self.verdict(error, stage),
        }
    }

    fn verdict(&self, error: Error, stage: Stage) -> Verdict {
        let is_direct = !self.config.behind_pooler;
        if error::leaves_commit_in_doubt(&error) {
            return if stage != Stage::Commit && is_direct && error::ended_before(&error) {
                Verdict::Refused { error, in_part: false }
            } else {
                Verdict::Unknown(error)
            };
        }
        match error::code(&error) {
            Some(error::DIVISION_BY_ZERO) if stage == Stage::Check => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            _ => Verdict::Refused { error, in_part: false },
        }
    }

    /// The number of a unit to come.
    pub(super) fn next_unit(&mut self, options: &TxOptions) -> u64 {
        self.units += 1;
        self.read_only = is_read_only(options);
        self.units
    }
}

/// True if a unit is asked to be read-only, by whichever name.
fn is_read_only(options: &TxOptions) -> bool {
    let by_name = |name: &str| name.eq_ignore_ascii_case("transaction_read_only");
    options.read_only || options.settings.iter().any(|(name, _)| by_name(name))
}

async fn follow(
    connection: &mut PgConnection,
    text: SqlStr,
    stage: &mut Stage,
) -> sqlx::Result<()> {
    let mut steps = connection.fetch_many(text);
    while let Some(step) = steps.try_next().await? {
        if let Either::Right(row) = step {
            *stage = stage.after(&row);
        }
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
