//! The pool, and the table everything is about.

use std::path::Path;
use std::time::Duration;

use sessionpool::sql::{Sqlite, SqliteSession};
use sessionpool::{ConfigError, Pool};

/// Sets up a pool of four sessions. Opens none yet.
///
/// # Errors
///
/// A setting cannot work.
pub fn pool(path: &Path) -> Result<Pool<SqliteSession>, ConfigError> {
    Pool::builder(Sqlite::file(path))
        .max_size(4)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_millis(500))
        .build()
}

/// Creates the table.
///
/// # Errors
///
/// The file cannot be opened or written, or an earlier run has left the table in
/// it.
pub async fn create(pool: &Pool<SqliteSession>) -> anyhow::Result<()> {
    pool.transaction(async |tx| {
        sqlx::query(
            "create table station (
                id text primary key, name text not null, country text not null,
                elev real not null, tz text not null)",
        )
        .execute(&mut **tx)
        .await?;
        anyhow::Ok(())
    })
    .await
}
