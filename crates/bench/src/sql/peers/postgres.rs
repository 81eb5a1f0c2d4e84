use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use sessionpool_sql::{PgSession, Postgres};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use super::{DEADPOOL, Entry, OURS, SQLX, measure, peers};

pub(in crate::sql) const PEERS: [Entry<PgConnectOptions>; 6] = [
    (OURS, measure::<Ours>),
    (SQLX, measure::<Sqlx>),
    ("sqlx_untested", measure::<SqlxUntested>),
    (DEADPOOL, measure::<Deadpool>),
    ("deadpool_ping", measure::<DeadpoolPing>),
    ("deadpool_postgres", measure::<DeadpoolPostgres>),
];

peers!(PgSession, Postgres::new, PgConnectOptions, PgConnection, PgPool, PgPoolOptions);

/// deadpool-postgres, with every default on: no check.
#[derive(Clone)]
struct DeadpoolPostgres(deadpool_postgres::Pool);

impl SqlPeer for DeadpoolPostgres {
    type Options = PgConnectOptions;

    fn build(options: PgConnectOptions, size: usize) -> Self {
        let mut config = tokio_postgres::Config::new();
        config.host(options.get_host()).port(options.get_port());
        config.user(options.get_username()).dbname(options.get_database().unwrap_or_default());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tokio_postgres::NoTls, recycling);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(size).build();
        Self(pool.expect("a pool without time limits"))
    }

    async fn select1(&self) {
        let client = self.0.get().await.expect("a client");
        let statement = client.prepare_cached(SELECT).await.expect("a statement");
        client.execute(&statement, &[]).await.expect("an answer");
    }

    async fn unit(&self) {
        let mut client = self.0.get().await.expect("a client");
        let tx = client.transaction().await.expect("a transaction");
        let statement = tx.prepare_cached(SELECT).await.expect("a statement");
        tx.execute(&statement, &[]).await.expect("an answer");
        tx.commit().await.expect("a commit");
    }
}
