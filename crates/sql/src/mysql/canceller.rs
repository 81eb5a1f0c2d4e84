use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::error;
use super::login::Login;
use crate::failure::SqlFailure;

/// How long to wait for a cancelling, connecting included.
const LIMIT: Duration = Duration::from_secs(3);

/// Has the server cancel what its sessions are at, over one connection beside them,
/// which lives while anybody needs it.
#[derive(Debug)]
pub(super) struct Canceller {
    login: Arc<Login>,
    beside: Mutex<Option<MySqlConnection>>,
    /// Who uses the connection or waits for it.
    users: AtomicUsize,
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
        Self { login, beside: Mutex::new(None), users: AtomicUsize::new(0) }
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
        let _user = User::of(&self.users);
        timeout(LIMIT, self.ask(thread))
            .await
            .unwrap_or_else(|_| Err(SqlFailure::NotCancelled { limit: LIMIT }.into()))
    }

    async fn ask(&self, thread: &Thread) -> sqlx::Result<()> {
        let mut beside = self.beside.lock().await;
        // Out of its place while in use: dropped half way, it is not used again.
        let mut connection = match beside.take() {
            Some(connection) => connection,
            None => self.login.connect().await?,
        };
        expect_server(&mut connection, thread).await?;
        let text = format!("KILL QUERY {}", thread.id);
        connection.execute(AssertSqlSafe(text)).await?;
        if self.users.load(Ordering::Acquire) > 1 {
            *beside = Some(connection);
        } else {
            // It is told, whatever becomes of the connection.
            let _ = connection.close().await;
        }
        Ok(())
    }
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

/// One of those who keep the connection alive.
struct User<'c>(&'c AtomicUsize);

impl<'c> User<'c> {
    fn of(users: &'c AtomicUsize) -> Self {
        users.fetch_add(1, Ordering::AcqRel);
        Self(users)
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
