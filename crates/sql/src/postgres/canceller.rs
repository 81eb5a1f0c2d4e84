use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::effect;
use super::login::Login;
use crate::beside::Beside;
use crate::failure::SqlFailure;
use crate::statement::Syntax;

/// Has the server cancel what its backends are at, over one connection beside the
/// sessions, which lives while anybody needs it.
#[derive(Debug)]
pub(super) struct Canceller {
    login: Arc<Login>,
    beside: Beside<PgConnection>,
}

/// The server's process behind a session.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// When it began. Process numbers come back.
    began: String,
    /// How long it may lie idle, where there is a limit.
    pub(super) idle_limit: Option<Duration>,
    /// How it reads what is sent.
    pub(super) syntax: Syntax,
}

impl Process {
    /// Asks for what [`of`](Self::of) reads. Before version 14 there is no limit to idle
    /// sessions.
    pub(super) const SQL: &str = "SELECT pid, extract(epoch from backend_start)::text, \
         extract(epoch from coalesce(pg_catalog.current_setting('idle_session_timeout', true), \
         '0')::interval)::float8, \
         pg_catalog.current_setting('standard_conforming_strings') = 'off' \
         FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()";

    pub(super) fn of(row: &PgRow) -> sqlx::Result<Self> {
        let seconds: f64 = row.try_get(2)?;
        let idle_limit = Duration::try_from_secs_f64(seconds).ok().filter(|it| !it.is_zero());
        let syntax = Syntax { backslashes: row.try_get(3)?, ..effect::SYNTAX };
        Ok(Self { pid: row.try_get(0)?, began: row.try_get(1)?, idle_limit, syntax })
    }
}

impl Canceller {
    pub(super) fn new(login: Arc<Login>) -> Self {
        Self { login, beside: Beside::new() }
    }

    /// Has the server cancel whatever `process` is at.
    ///
    /// When this answers `Ok` the signal has been sent, or the process is gone. A process
    /// that is told while it awaits a command takes no notice, so what is sent to it from
    /// now on is safe.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, a signal may still be on its way.
    pub(super) async fn cancel(&self, process: &Process) -> sqlx::Result<()> {
        let process = process.clone();
        let connect = self.login.connect_beside().boxed();
        self.beside.say(connect, |connection| signal(connection, process).boxed()).await
    }
}

async fn signal(connection: &mut PgConnection, process: Process) -> sqlx::Result<()> {
    // Of a process that it may not look into, the server tells the number alone.
    let sent: Option<Option<bool>> = sqlx::query_scalar(
        "SELECT CASE WHEN backend_start IS NULL THEN false \
         WHEN extract(epoch from backend_start)::text = $2 \
         THEN pg_catalog.pg_cancel_backend(pid) END \
         FROM pg_catalog.pg_stat_activity WHERE pid = $1",
    )
    .bind(process.pid)
    .bind(process.began)
    .fetch_optional(connection)
    .await?;
    match sent {
        Some(Some(false)) => Err(SqlFailure::CancelInDoubt.into()),
        _ => Ok(()),
    }
}
