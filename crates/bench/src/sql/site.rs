use std::any::Any;
use std::io;
use std::time::Duration;

use sessionpool_testkit::proxy::Proxy;
use sessionpool_testkit::server::{MariaDb, Postgres};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::runtime::{Builder, Runtime};

/// A database, and the ways to it.
pub(super) struct Site<O> {
    /// What the names of its tests begin with.
    pub(super) name: &'static str,
    reach: Box<dyn Fn(u16) -> O + Send + Sync>,
    server: Option<Served>,
    /// What is gone when this is dropped.
    _kept: Box<dyn Any + Send + Sync>,
}

/// A server, and two ways to it through proxies, which run on threads of their own.
struct Served {
    port: u16,
    counting: Proxy,
    distant: Proxy,
    _runtime: Runtime,
}

/// How a pool gets to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// Through a proxy that counts round trips.
    Counted,
    /// Through a proxy with a millisecond each way.
    Distant,
}

/// With this, 8 sessions make some 3,300 round trips a second, and the machine is not what
/// they wait for.
const EACH_WAY: Duration = Duration::from_millis(1);

const CONNECTIONS: (&str, &str) = ("max_connections", "200");

impl Site<PgConnectOptions> {
    pub(super) fn postgres() -> io::Result<Self> {
        let runtime = runtime()?;
        let server = runtime.block_on(Postgres::start_with(&[CONNECTIONS]));
        let served = Served::new(runtime, server.port());
        let reach = |port| {
            PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(port)
                .username(Postgres::USER)
                .database(Postgres::DATABASE)
                .ssl_mode(PgSslMode::Disable)
        };
        let reach = Box::new(reach);
        Ok(Self { name: "pg", reach, server: Some(served), _kept: Box::new(server) })
    }
}

impl Site<MySqlConnectOptions> {
    pub(super) fn mariadb() -> io::Result<Self> {
        let runtime = runtime()?;
        let server = runtime.block_on(MariaDb::start_with(&[CONNECTIONS]));
        let served = Served::new(runtime, server.port());
        let reach = |port| {
            MySqlConnectOptions::new()
                .host("127.0.0.1")
                .port(port)
                .username(MariaDb::USER)
                .database(MariaDb::DATABASE)
                .ssl_mode(MySqlSslMode::Disabled)
        };
        let reach = Box::new(reach);
        Ok(Self { name: "mysql", reach, server: Some(served), _kept: Box::new(server) })
    }
}

impl Site<SqliteConnectOptions> {
    /// A file with the settings that ours has by default.
    pub(super) fn sqlite() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("bench.db");
        let reach = move |_| {
            SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
        };
        Ok(Self { name: "sqlite", reach: Box::new(reach), server: None, _kept: Box::new(folder) })
    }
}

impl<O> Site<O> {
    pub(super) const fn ways(&self) -> &'static [Way] {
        match self.server {
            Some(_) => &[Way::Counted, Way::Direct, Way::Distant],
            None => &[Way::Direct],
        }
    }

    pub(super) fn options(&self, way: Way) -> O {
        let port = self.server.as_ref().map_or(0, |server| match way {
            Way::Direct => server.port,
            Way::Counted => server.counting.port(),
            Way::Distant => server.distant.port(),
        });
        (self.reach)(port)
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.server.as_ref().map_or(0, |server| server.counting.round_trips())
    }
}

impl Served {
    fn new(runtime: Runtime, port: u16) -> Self {
        let (counting, distant) =
            runtime.block_on(async { (Proxy::to_port(port).await, Proxy::to_port(port).await) });
        distant.set_latency(EACH_WAY);
        Self { port, counting, distant, _runtime: runtime }
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}
