//! A whole unit of work in one round trip.

use std::fmt;

use sessionpool_core::TxOptions;
use sqlx::{SqlSafeStr, SqlStr};

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
