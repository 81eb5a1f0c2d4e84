use std::time::Duration;

use deadpool_postgres::tokio_postgres::{Config, NoTls};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use sessionpool_core::Pool;
use sessionpool_deadpool::{DeadpoolSession, FromDeadpool};
use sessionpool_testkit::server;

/// How long something may take that is bound to happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What cures both settings and transactions, in one round trip.
pub(crate) const ROLL_BACK_AND_CLEAN: &str = "rollback; close all; set session authorization default; \
     reset all; unlisten *; select pg_advisory_unlock_all(); discard temp; discard sequences";

pub(crate) type PgSession = DeadpoolSession<Manager>;

/// A database of a test's own, with a table `t (x)` in it.
pub(crate) struct Place {
    pub(crate) server: &'static server::Postgres,
    pub(crate) database: String,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let server = server::Postgres::shared().await;
        let database = server.create_database().await;
        server.psql_in(&database, "create table t (x bigint)").await;
        Self { server, database }
    }

    pub(crate) fn config(&self) -> Config {
        self.server.url_of(&self.database).parse().unwrap()
    }

    pub(crate) fn backend(&self, recycling_method: RecyclingMethod) -> FromDeadpool<Manager> {
        let config = self.config();
        FromDeadpool::new(Manager::from_config(config, NoTls, ManagerConfig { recycling_method }))
    }

    /// A pool of one session.
    pub(crate) fn pool(&self, recycling_method: RecyclingMethod) -> Pool<PgSession> {
        pool(self.backend(recycling_method), 1)
    }

    /// The rows that are committed.
    pub(crate) async fn rows(&self) -> String {
        self.server.psql_in(&self.database, "select count(*) from t").await
    }

    /// Ends a session, as an administrator would.
    pub(crate) async fn kill(&self, pid: i32) {
        self.server.psql(&format!("select pg_terminate_backend({pid}, 20000)")).await;
    }
}

pub(crate) fn pool(backend: FromDeadpool<Manager>, max_size: usize) -> Pool<PgSession> {
    Pool::builder(backend).max_size(max_size).acquire_timeout(SOON).build().unwrap()
}
