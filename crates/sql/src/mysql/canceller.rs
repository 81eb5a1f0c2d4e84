use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::error;
use super::login::Login;
use crate::beside::Beside;

/// Has the server cancel what its sessions are at, over one connection beside them,
/// which lives while anybody needs it.
#[derive(Debug)]
pub(super) struct Canceller {
    login: Arc<Login>,
    beside: Beside<MySqlConnection>,
}

/// A session as its server knows it.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) id: u64,
    server: String,
    seen: Instant,
}

/// Which server it is, for who stands behind something that has several.
const SERVER: &str = "CONCAT(@@hostname, ':', @@port, ':', @@server_id)";

impl Thread {
    /// The columns that [`of`](Self::of) reads, from the first on.
    pub(super) fn columns() -> String {
        format!("CONNECTION_ID(), {SERVER}")
    }

    pub(super) fn of(row: &MySqlRow) -> sqlx::Result<Self> {
        Ok(Self { id: row.try_get_unchecked(0)?, server: row.try_get(1)?, seen: Instant::now() })
    }
}

impl Canceller {
    pub(super) fn new(login: Arc<Login>) -> Self {
        Self { login, beside: Beside::new() }
    }

    /// Has the server end whatever statement `thread` is at.
    ///
    /// When this answers `Ok`, the thread has been told; it may take notice as late as
    /// at its next statement.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, it may still be told.
    pub(super) async fn cancel(&self, thread: &Thread) -> sqlx::Result<()> {
        let thread = thread.clone();
        let connect = self.login.connect().boxed();
        self.beside.say(connect, |connection| kill(connection, thread).boxed()).await
    }
}

async fn kill(connection: &mut MySqlConnection, thread: Thread) -> sqlx::Result<()> {
    expect_server(connection, &thread).await?;
    let text = format!("KILL QUERY {}", thread.id);
    connection.execute(AssertSqlSafe(text)).await.map(drop)
}

/// Thread numbers are the server's, and begin anew when it does: another server, or
/// the same one started since, would kill a stranger's statement.
async fn expect_server(connection: &mut MySqlConnection, thread: &Thread) -> sqlx::Result<()> {
    let text = format!("SELECT {SERVER}");
    let server: String = connection.fetch_one(AssertSqlSafe(text)).await?.try_get(0)?;
    if server != thread.server {
        return Err(error::lost("the session is on another server than its canceller"));
    }
    let row = connection.fetch_one("SHOW GLOBAL STATUS LIKE 'Uptime'").await?;
    let uptime: String = row.try_get(1)?;
    let uptime = Duration::from_secs(uptime.parse().unwrap_or(0));
    // In whole seconds, rounded down.
    if uptime + Duration::from_secs(1) < thread.seen.elapsed() {
        return Err(error::lost("the server was started again since the session was opened"));
    }
    Ok(())
}
