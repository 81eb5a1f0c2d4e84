use sessionpool_core::CommitOutcome;
use sqlx::{AssertSqlSafe, Error};

use super::driver::Progress;
use super::session::MySqlSession;
use super::{effect, text};
use crate::conversation::{Conversation, Driver};
use crate::effect::{Control, Effect};
use crate::failure::SqlFailure;
use crate::script::Script;

impl MySqlSession {
    /// Runs a script, and says what became of it, as
    /// [`commit`](sessionpool_core::Transactional::commit) does.
    ///
    /// Rolled back, with [`SqlFailure::ScriptRefused`](crate::SqlFailure::ScriptRefused),
    /// before anything was sent: a script that begins or ends transactions, also by
    /// statements that commit by themselves, or that is run inside a unit.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the outcome is unknown.
    pub async fn run(&mut self, script: &Script) -> CommitOutcome<Error> {
        let refused =
            |why| CommitOutcome::RolledBack(Some(SqlFailure::ScriptRefused { why }.into()));
        let work = script.work.as_str();
        let has_backslashes = self.talk.driver.server.has_backslashes;
        let effect = effect::of_script(work, has_backslashes);
        if effect.control != Control::None {
            return refused("it begins or ends transactions itself");
        }
        if self.talk.mark.is_open() {
            return refused("a transaction is open already");
        }
        if self.talk.kept.is_some() {
            return self.run_inside(script, self.limited(effect)).await;
        }
        if let Some(failure) = self.talk.driver.refuses_unit(&script.options) {
            return CommitOutcome::RolledBack(Some(failure.into()));
        }
        if let Err(error) = self.talk.settle_soon().await {
            return CommitOutcome::RolledBack(Some(error));
        }
        let effect = Effect { control: Control::Any, ..self.limited(effect) };
        let begin = self.talk.driver.next_unit(&script.options);
        let work = effect::tokens(work, has_backslashes).texts();
        let text = text::script(&begin, self.talk.driver.unit(), &work);
        let Conversation { connection, driver, mark, .. } = &mut self.talk;
        let progress = Progress::of_script();
        let verdict = driver.commit_by(connection, mark, effect, text, progress).await;
        self.talk.conclude(verdict).await
    }

    /// As any unit of a sandbox's.
    async fn run_inside(&mut self, script: &Script, effect: Effect) -> CommitOutcome<Error> {
        if let Err(error) = self.talk.begin(&script.options).await {
            return CommitOutcome::RolledBack(Some(error));
        }
        let has_backslashes = self.talk.driver.server.has_backslashes;
        let work = effect::tokens(script.work.as_str(), has_backslashes).texts().join("\n; ");
        let sent = match work.as_str() {
            "" => Ok(()),
            _ => self.talk.send(effect, AssertSqlSafe(work)).await,
        };
        if let Err(error) = sent {
            // If that fails the session says so.
            let _ = self.talk.rollback().await;
            return CommitOutcome::RolledBack(Some(error));
        }
        self.talk.commit().await
    }
}
