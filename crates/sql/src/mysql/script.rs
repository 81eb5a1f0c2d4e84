use sessionpool_core::CommitOutcome;
use sqlx::{AssertSqlSafe, Error, SqlSafeStr};

use super::driver::Progress;
use super::session::MySqlSession;
use super::{effect, text};
use crate::conversation::Conversation;
use crate::effect::{Control, Effect};
use crate::script::Script;
use crate::statement::Tokens;

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
        let syntax = self.talk.driver.server.syntax;
        let effect = effect::of_script(script.work.as_str(), syntax);
        if let Err(error) = self.talk.prepare_script(script, &effect).await {
            return CommitOutcome::RolledBack(Some(error));
        }
        let effect = self.limited(effect);
        let work = Tokens::of(script.work.as_str(), syntax).texts();
        if self.talk.kept.is_some() {
            let work = AssertSqlSafe(work.join("\n; ")).into_sql_str();
            return self.talk.run_inside(script, effect, work).await;
        }
        let effect = Effect { control: Control::Any, ..effect };
        let begin = self.talk.driver.next_unit(&script.options);
        let text = text::script(&begin, self.talk.driver.unit(), &work);
        let Conversation { connection, driver, mark, .. } = &mut self.talk;
        let progress = Progress::of_script();
        let verdict = driver.commit_by(connection, mark, effect, text, progress).await;
        self.talk.conclude(verdict).await
    }
}
