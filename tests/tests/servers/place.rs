use std::fmt::Debug;
use std::ops::Deref;
use std::time::Duration;

use sessionpool::sql::{ConnectUrl, MySql, MySqlSession, PgSession, Postgres};
use sessionpool::{Backend, Pool, PoolBuilder, Session, Transactional, TxError};
use sessionpool_testkit::proxy::Proxy;
use sessionpool_testkit::server::{self, Service};
use sqlx::Executor;

/// How long something may take that is bound to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A time limit that is meant to pass.
pub const BRIEF: Duration = Duration::from_millis(300);

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
}

/// What the tests need of a session, whatever its database.
pub trait Worker: Transactional<Error = sqlx::Error> {
    /// Runs a text.
    fn run(&mut self, sql: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Runs a statement with a parameter, which the driver prepares.
    fn insert(&mut self, x: i64) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// A server of the test's own, with a table `t (x)`.
pub trait Server: Deref<Target = Service> + Sized {
    type Backend: Backend<Session: Worker>;

    /// Takes so long that nobody waits for its end.
    const SLEEP: &str;

    fn start() -> impl Future<Output = Self>;
    fn backend(&self, port: u16) -> Self::Backend;
    fn ask(&self, sql: &str) -> impl Future<Output = String>;
    fn kill_sessions(&self) -> impl Future<Output = usize>;
}

pub type SessionOf<S> = <<S as Server>::Backend as Backend>::Session;

/// A server, a proxy in front of it, and a pool beyond.
pub struct Place<S: Server> {
    pub server: S,
    pub proxy: Proxy,
    pub pool: Pool<SessionOf<S>>,
}

impl<S: Server> Place<S> {
    pub async fn new(
        set_up: impl FnOnce(PoolBuilder<SessionOf<S>>) -> PoolBuilder<SessionOf<S>>,
    ) -> Self {
        let server = S::start().await;
        server.ask("create table t (x bigint)").await;
        server.ask("insert into t values (0)").await;
        let proxy = Proxy::to_port(server.port()).await;
        let builder = Pool::builder(server.backend(proxy.port())).acquire_timeout(SOON);
        let pool = set_up(builder).build().unwrap();
        Self { server, proxy, pool }
    }

    /// A unit of work goes through.
    pub async fn works(&self) {
        let unit = self.pool.transaction(async |tx| {
            tx.run("update t set x = x + 1").await?;
            Ok::<_, Failed>(())
        });
        Box::pin(tokio::time::timeout(SOON, unit)).await.expect("in time").unwrap();
    }

    /// Waits until the pool is in a state.
    pub async fn becomes(&self, what: &str, is_it: impl Fn(&sessionpool::Status) -> bool) {
        let waited = tokio::time::timeout(SOON, async {
            while !is_it(&self.pool.status()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("never {what}: {}", self.pool.status()));
    }
}

macro_rules! impl_worker {
    ($session:ty, $insert:literal) => {
        impl Worker for $session {
            async fn run(&mut self, sql: &'static str) -> sqlx::Result<()> {
                self.execute(sql).await.map(drop)
            }

            async fn insert(&mut self, x: i64) -> sqlx::Result<()> {
                sqlx::query($insert).bind(x).execute(self).await.map(drop)
            }
        }
    };
}

impl_worker!(PgSession, "insert into t values ($1)");
impl_worker!(MySqlSession, "insert into t values (?)");

macro_rules! impl_server {
    ($server:ty, $backend:ty, $ask:ident, $sleep:literal) => {
        impl Server for $server {
            type Backend = $backend;

            const SLEEP: &str = $sleep;

            async fn start() -> Self {
                Self::start().await
            }

            fn backend(&self, port: u16) -> $backend {
                let url = ConnectUrl::parse(&self.url()).unwrap().with_port(port);
                <$backend>::at(&url).unwrap()
            }

            async fn ask(&self, sql: &str) -> String {
                self.$ask(sql).await
            }

            async fn kill_sessions(&self) -> usize {
                self.kill_backends().await
            }
        }
    };
}

impl_server!(server::Postgres, Postgres, psql, "select pg_sleep(600)");
impl_server!(server::MariaDb, MySql, sql, "select sleep(600)");

/// Expands to a test for each server, of a function that is generic over them.
macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs PostgreSQL"]
                async fn $test() {
                    super::$test::<sessionpool_testkit::server::Postgres>().await;
                }
            )+
        }

        mod mariadb {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs MariaDB"]
                async fn $test() {
                    super::$test::<sessionpool_testkit::server::MariaDb>().await;
                }
            )+
        }
    };
}

pub(crate) use over_both;

/// Nothing is left half way.
pub fn assert_clean<S: Session>(session: &S) {
    assert_eq!(session.condition(), sessionpool::Condition::Clean);
}
