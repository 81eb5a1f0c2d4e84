//! Idle sessions are closed after a while.

use std::time::Duration;

use anyhow::Context;
use sessionpool::Pool;
use sessionpool::sql::SqliteSession;
use tokio::time;

/// Waits until the pool has no session left.
///
/// # Errors
///
/// That takes much longer than its `idle_timeout`.
pub async fn rest(pool: &Pool<SqliteSession>) -> anyhow::Result<()> {
    let at_rest = async {
        while pool.status().size() > 0 {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(Duration::from_secs(5), at_rest).await.context("idle sessions were not closed")
}
