use std::future::Future;

use deadpool::managed::{self, Metrics, RecycleResult};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use sessionpool_core::{Pool, TxError};
use sessionpool_sql::{PgSession, Postgres};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

/// A pool over PostgreSQL, asked for the least a program asks for.
pub(super) trait SqlPeer: Clone + Send + Sync + 'static {
    fn build(options: PgConnectOptions, size: usize) -> Self;

    /// A statement outside of transactions.
    fn select1(&self) -> impl Future<Output = ()> + Send;

    /// Begin, a statement, commit.
    fn unit(&self) -> impl Future<Output = ()> + Send;
}

const SELECT: &str = "select 1";

/// Ours, with every default on.
#[derive(Clone)]
pub(super) struct Ours(Pool<PgSession>);

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
}

impl SqlPeer for Ours {
    fn build(options: PgConnectOptions, size: usize) -> Self {
        let pool = Pool::builder(Postgres::new(options)).max_size(size);
        Self(pool.build().expect("the defaults are valid"))
    }

    async fn select1(&self) {
        let mut lease = self.0.acquire().await.expect("a session");
        sqlx::query(SELECT).execute(&mut *lease).await.expect("an answer");
    }

    async fn unit(&self) {
        let unit = self.0.transaction(async |tx| {
            sqlx::query(SELECT).execute(&mut **tx).await?;
            Ok::<_, Failed>(())
        });
        unit.await.expect("a commit");
    }
}

/// sqlx's pool, with every default on.
#[derive(Clone)]
pub(super) struct Sqlx(PgPool);

impl SqlPeer for Sqlx {
    fn build(options: PgConnectOptions, size: usize) -> Self {
        Self(sqlx_pool(options, size, true))
    }

    async fn select1(&self) {
        sqlx_select1(&self.0).await;
    }

    async fn unit(&self) {
        sqlx_unit(&self.0).await;
    }
}

/// sqlx's pool, which does not ask whether a connection is alive.
#[derive(Clone)]
pub(super) struct SqlxUntested(PgPool);

impl SqlPeer for SqlxUntested {
    fn build(options: PgConnectOptions, size: usize) -> Self {
        Self(sqlx_pool(options, size, false))
    }

    async fn select1(&self) {
        sqlx_select1(&self.0).await;
    }

    async fn unit(&self) {
        sqlx_unit(&self.0).await;
    }
}

fn sqlx_pool(options: PgConnectOptions, size: usize, test: bool) -> PgPool {
    let size = u32::try_from(size).expect("a small pool");
    let pool = PgPoolOptions::new().max_connections(size).test_before_acquire(test);
    pool.connect_lazy_with(options)
}

async fn sqlx_select1(pool: &PgPool) {
    sqlx::query(SELECT).execute(pool).await.expect("an answer");
}

async fn sqlx_unit(pool: &PgPool) {
    let mut tx = pool.begin().await.expect("a transaction");
    sqlx::query(SELECT).execute(&mut *tx).await.expect("an answer");
    tx.commit().await.expect("a commit");
}

/// deadpool over sqlx's raw connections, without and with a ping.
struct Raw<const PING: bool>(PgConnectOptions);

impl<const PING: bool> managed::Manager for Raw<PING> {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        self.0.connect().await
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        _: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if PING {
            connection.ping().await?;
        }
        Ok(())
    }
}

pub(super) struct OverRaw<const PING: bool>(managed::Pool<Raw<PING>>);

impl<const PING: bool> Clone for OverRaw<PING> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

pub(super) type Deadpool = OverRaw<false>;
pub(super) type DeadpoolPing = OverRaw<true>;

impl<const PING: bool> SqlPeer for OverRaw<PING> {
    fn build(options: PgConnectOptions, size: usize) -> Self {
        let pool = managed::Pool::builder(Raw(options)).max_size(size).build();
        Self(pool.expect("a pool without time limits"))
    }

    async fn select1(&self) {
        let mut connection = self.0.get().await.expect("a connection");
        let connection: &mut PgConnection = &mut connection;
        connection.execute(sqlx::query(SELECT)).await.expect("an answer");
    }

    async fn unit(&self) {
        let mut connection = self.0.get().await.expect("a connection");
        let connection: &mut PgConnection = &mut connection;
        let mut tx = connection.begin().await.expect("a transaction");
        sqlx::query(SELECT).execute(&mut *tx).await.expect("an answer");
        tx.commit().await.expect("a commit");
    }
}

/// deadpool-postgres, with every default on: no check.
#[derive(Clone)]
pub(super) struct DeadpoolPostgres(deadpool_postgres::Pool);

impl SqlPeer for DeadpoolPostgres {
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
