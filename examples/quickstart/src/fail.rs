//! All or nothing: a unit of work that fails leaves nothing behind.

use anyhow::{Context, bail};
use sessionpool::Pool;
use sessionpool::sql::SqliteSession;

use crate::load::insert;
use crate::stations::Station;

/// Stores an invented station, and then `known` once more, which cannot work;
/// answers why not.
///
/// # Errors
///
/// It did work.
pub async fn fail(pool: &Pool<SqliteSession>, known: &Station) -> anyhow::Result<anyhow::Error> {
    let invented = Station { id: "ATLANTIS".to_owned(), ..known.clone() };
    let answer = pool
        .transaction(async |tx| {
            insert(tx, &invented).await?;
            insert(tx, known).await.with_context(|| format!("{} is there already", known.id))
        })
        .await;
    match answer {
        Err(error) => Ok(error),
        Ok(()) => bail!("a station was stored twice"),
    }
}
