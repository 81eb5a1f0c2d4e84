//! A whole unit of work in one round trip.

use std::fmt;

use sessionpool_core::{CommitOutcome, TxOptions};
use sqlx::{Error, SqlSafeStr, SqlStr};

use crate::conversation::Conversation;
use crate::driver::Driver;
use crate::effect::{Control, Effect};
use crate::failure::SqlFailure;

/// Several statements without parameters that are one unit of work: all of them, their
/// `BEGIN` and their `COMMIT` travel in a single round trip.
///
/// ```no_run
/// # use sessionpool_core::{CommitOutcome, Pool};
/// # use sessionpool_sql::{PgSession, Script};
/// # async fn example(pool: Pool<PgSession>) -> Result<(), Box<dyn std::error::Error>> {
/// let nightly = Script::new(
///     "update account set interest = balance * 0.001;
///      update account set balance = balance + interest",
/// );
/// match pool.acquire().await?.run(&nightly).await {
///     CommitOutcome::Committed => {}
///     CommitOutcome::RolledBack(error) => return Err(error.map_or("refused".into(), Into::into)),
///     CommitOutcome::Unknown(error) => return Err(error.into()), // look before doing it again
/// }
/// # Ok(())
/// # }
/// ```
pub struct Script {
    pub(crate) work: SqlStr,
    pub(crate) options: TxOptions,
}

impl Script {
    /// The statements, with semicolons between them. Their rows are not returned.
    pub fn new(statements: impl SqlSafeStr) -> Self {
        Self { work: statements.into_sql_str(), options: TxOptions::new() }
    }

    /// What the transaction should be like. Default: [`TxOptions::new`].
    #[must_use]
    pub fn options(mut self, options: TxOptions) -> Self {
        self.options = options;
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is left out: it may hold data.
        f.debug_struct("Script").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<D: Driver> Conversation<D> {
    /// Makes ready for a script of that effect: for a unit of its own, or one of the
    /// sandbox's.
    pub(crate) async fn prepare_script(
        &mut self,
        script: &Script,
        effect: &Effect,
    ) -> sqlx::Result<()> {
        let refused = |why| Err(SqlFailure::ScriptRefused { why }.into());
        if effect.control != Control::None {
            return refused("it begins or ends transactions itself");
        }
        if self.mark.is_open() {
            return refused("a transaction is open already");
        }
        if self.kept.is_some() {
            return Ok(()); // the unit sees to it
        }
        match self.driver.refuses_unit(&script.options) {
            Some(failure) => Err(failure.into()),
            None => self.settle_soon().await,
        }
    }

    /// Runs a script's statements as any unit of a sandbox's.
    pub(crate) async fn run_inside(
        &mut self,
        script: &Script,
        effect: Effect,
        work: SqlStr,
    ) -> CommitOutcome<Error> {
        if let Err(error) = self.begin(&script.options).await {
            return CommitOutcome::RolledBack(Some(error));
        }
        let sent = match work.as_str() {
            "" => Ok(()),
            _ => self.send(effect, work).await,
        };
        if let Err(error) = sent {
            // If that fails the session says so.
            let _ = self.rollback().await;
            return CommitOutcome::RolledBack(Some(error));
        }
        self.commit().await
    }
}
