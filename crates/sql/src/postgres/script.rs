use sessionpool_core::CommitOutcome;
use sqlx::Error;

use super::driver::Stage;
use super::session::PgSession;
use super::{effect, text};
use crate::conversation::Conversation;
use crate::effect::{Control, Effect};
use crate::script::Script;

impl PgSession {
    /// Runs a script, and says what became of it, as
    /// [`commit`](sessionpool_core::Transactional::commit) does.
    ///
    /// Rolled back, with [`SqlFailure::ScriptRefused`](crate::SqlFailure::ScriptRefused),
    /// before anything was sent: a script that begins or ends transactions itself, or that
    /// is run inside a unit.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the outcome is unknown.
    pub async fn run(&mut self, script: &Script) -> CommitOutcome<Error> {
        let effect = effect::of_script(script.work.as_str(), self.syntax());
        if let Err(error) = self.talk.prepare_script(script, &effect).await {
            return CommitOutcome::RolledBack(Some(error));
        }
        let effect = self.limited(effect);
        if self.talk.kept.is_some() {
            return self.talk.run_inside(script, effect, script.work.clone()).await;
        }
        let effect = Effect { control: Control::Any, ..effect };
        let unit = self.talk.driver.next_unit(&script.options);
        let text = text::script(&script.options, unit, script.work.as_str());
        let Conversation { connection, driver, mark, .. } = &mut self.talk;
        let verdict = driver.commit_by(connection, mark, effect, text, Stage::Work).await;
        self.talk.conclude(verdict).await
    }
}
