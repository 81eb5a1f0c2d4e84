//! What a caller is told when all sessions are lent.

use std::time::Duration;

use anyhow::bail;
use sessionpool::sql::SqliteSession;
use sessionpool::{AcquireError, AcquireOptions, Pool};

/// Takes every session, asks for one more, and answers with the error.
///
/// # Errors
///
/// There was one more.
pub async fn exhaust(pool: &Pool<SqliteSession>) -> anyhow::Result<AcquireError> {
    let mut leases = Vec::new();
    for _ in 0..pool.status().max_size {
        leases.push(pool.acquire().await?);
    }
    let impatient = AcquireOptions::new().timeout(Duration::from_millis(200));
    match pool.acquire_with(impatient).await {
        Err(error) => Ok(error),
        Ok(_) => bail!("the pool lent more than it has"),
    }
}
