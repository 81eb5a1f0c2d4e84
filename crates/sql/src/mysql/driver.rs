use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::TryStreamExt;
use sessionpool_core::{Fault, TxOptions};
use sqlx::{AssertSqlSafe, Connection, Either, Error, Row, SqlSafeStr, SqlStr};
use tokio::time::timeout;

use super::backend::Server;
use super::canceller::Canceller;
use super::config::Config;
use super::line::Line;
use super::text::Begin;
use super::{error, text};
use crate::conversation::{Conversation, answer, note};
use crate::driver::{Driver, Verdict};
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

    /// The text that the next unit begins with.
    pub(super) fn next_unit(&mut self, options: &TxOptions) -> Begin {
        self.units += 1;
        self.read_only = options.read_only;
        let begin = text::begin(options, self.units, self.server.flavour);
        self.undo.clone_from(&begin.undo);
        begin
    }

    pub(super) const fn unit(&self) -> u64 {
        self.units
    }

    /// Sends a text that ends with a commit, and judges what was answered.
    pub(super) async fn commit_by(
        &mut self,
        line: &mut Line,
        mark: &mut Mark,
        effect: Effect,
        text: String,
        mut progress: Progress,
    ) -> Verdict {
        mark.enter(effect);
        let sql = AssertSqlSafe(text).into_sql_str();
        let sent = progress.send(line, sql).await;
        note(self, mark, &sent);
        let Err(error) = sent else {
            self.end_unit();
            return Verdict::Committed;
        };
        let done = progress.done();
        if done > Some(text::BEFORE_COMMIT) {
            // Committed; what the unit has set is still there.
            self.end_unit();
            mark.lose(Fault::SessionLost);
            return Verdict::Committed;
        }
        if error::leaves_commit_in_doubt(&error) {
            return Verdict::Unknown(error);
        }
        match error::number(&error) {
            Some(error::NO_SAVEPOINT) if done == Some(0) => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            _ => Verdict::Refused { error, in_part: false },
        }
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
            Some(error::OPTION_PREVENTS | error::READ_ONLY) if meant_to_be_read => Fault::Other,
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

    fn leaves_commit_in_doubt(error: &Error) -> bool {
        error::leaves_commit_in_doubt(error)
    }

    /// There is no text that puts everything back.
    fn discards(&self) -> bool {
        self.config.reset != Reset::Rollback
    }

    fn execute(line: &mut Line, sql: SqlStr) -> BoxFuture<'_, sqlx::Result<()>> {
        line.execute(sql)
    }

    /// Reads what the server still has to say. A commit is left to come to its end.
    async fn settle(
        talk: &mut Conversation<Self>,
        patience: Option<Duration>,
    ) -> sqlx::Result<Option<Answer>> {
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
            late => Ok(late.map(|error| answer(driver, mark, &error))),
        }
    }

    fn refuses(&self, _: &Effect, mark: &Mark) -> Option<SqlFailure> {
        self.config.required.refuses(mark)
    }

    async fn prepare(line: &mut Line, mark: &mut Mark) -> sqlx::Result<()> {
        if mark.is_stale() {
            Box::pin(line.idle()?.clear_cached_statements()).await?;
            mark.refresh();
        }
        Ok(())
    }

    fn refuses_unit(&self, options: &TxOptions) -> Option<SqlFailure> {
        if options.deferrable {
            return Some(SqlFailure::Unsupported { option: "deferrable mode" });
        }
        self.config.required.refuses_unit(options)
    }

    async fn begin(talk: &mut Conversation<Self>, options: &TxOptions) -> sqlx::Result<()> {
        let begin = talk.driver.next_unit(options);
        let begun = talk.send(Effect::control(Control::Any), AssertSqlSafe(begin.text)).await;
        if begun.is_err() && options.isolation.is_some() {
            talk.mark.touch("an isolation that waits for its transaction");
        }
        begun
    }

    async fn commit(talk: &mut Conversation<Self>) -> Verdict {
        let text = text::commit(talk.driver.units, &talk.driver.undo);
        let effect = Effect::control(Control::Any);
        let Conversation { connection, driver, mark, .. } = talk;
        driver.commit_by(connection, mark, effect, text, Progress::of_commit()).await
    }

    /// Isolation and the refusal of writes are the sandbox's.
    fn begin_inside(&mut self, options: &TxOptions) -> String {
        let Begin { text, undo } = text::set(options, self.server.flavour);
        self.undo = undo;
        text
    }

    fn undo_inside(&mut self) -> String {
        self.end_unit()
    }

    /// The savepoint up to which all is kept goes with the sandbox's transaction.
    async fn commit_inside(talk: &mut Conversation<Self>, keep: String) -> Verdict {
        let mut text = keep;
        text::push_all(&mut text, &talk.driver.end_unit());
        match talk.send(Effect::control(Control::Any), AssertSqlSafe(text)).await {
            Ok(()) => Verdict::Committed,
            Err(error) if error::number(&error) == Some(error::NO_SAVEPOINT) => {
                Verdict::Refused { error: SqlFailure::NoTransaction.into(), in_part: true }
            }
            Err(error) => Verdict::Refused { error, in_part: false },
        }
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

/// How far the end of a unit has come, by the statements that were answered.
#[derive(Debug)]
pub(super) struct Progress {
    /// Nothing before the unit's work is done.
    done: Option<usize>,
}

impl Progress {
    pub(super) const fn of_commit() -> Self {
        Self { done: Some(0) }
    }

    /// The end begins after the row that says that the work is done.
    pub(super) const fn of_script() -> Self {
        Self { done: None }
    }

    /// How many statements of the end were answered.
    const fn done(&self) -> Option<usize> {
        self.done
    }

    async fn send(&mut self, line: &mut Line, sql: SqlStr) -> sqlx::Result<()> {
        let mut is_worked = false;
        let mut steps = line.fetch_text(sql);
        while let Some(step) = steps.try_next().await? {
            match (step, self.done) {
                (Either::Left(_), Some(done)) => self.done = Some(done + 1),
                (Either::Left(_), None) if is_worked => self.done = Some(0),
                (Either::Right(row), None) => is_worked |= row.try_column(text::WORKED).is_ok(),
                (Either::Left(_), None) | (Either::Right(_), Some(_)) => {}
            }
        }
        Ok(())
    }
}

/// A thread that was told when its statement had ended takes notice at the next one:
/// at this one.
async fn take_late_kill(line: &mut Line) -> sqlx::Result<()> {
    match line.execute(AssertSqlSafe("DO 0").into_sql_str()).await {
        Err(error) if error::number(&error) != Some(error::INTERRUPTED) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
