//! Pools over a database, each asked for the least a program asks for.

mod mysql;
mod postgres;
mod sqlite;

use std::future::Future;

use super::run::{Found, Run, measure};

pub(super) use mysql::PEERS as MYSQL;
pub(super) use postgres::PEERS as POSTGRES;
pub(super) use sqlite::PEERS as SQLITE;

/// A pool over a database that is reached by options of that type.
pub(super) trait SqlPeer: Clone + Send + Sync + 'static {
    type Options;

    /// False of a single connection, which many tasks do not share.
    const IS_POOL: bool = true;

    fn build(options: Self::Options, size: usize) -> Self;

    /// A statement outside of transactions.
    fn select1(&self) -> impl Future<Output = ()> + Send;

    /// Begin, a statement, commit.
    fn unit(&self) -> impl Future<Output = ()> + Send;
}

/// A peer's name, and how it is measured.
pub(super) type Entry<O> = (&'static str, fn(&Run<'_, O>) -> Vec<Found>);

pub(super) const OURS: &str = "sessionpool";
/// Those that others are compared with.
pub(super) const SQLX: &str = "sqlx";
pub(super) const DEADPOOL: &str = "deadpool";
pub(super) const HELD: &str = "held";

const SELECT: &str = "select 1";

/// The error of a unit of work.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] sessionpool_core::TxError),
}

/// Ours, sqlx's pool and deadpool over sqlx's raw connections, for one of sqlx's
/// databases: they have names in common, and no trait that says enough.
macro_rules! peers {
    ($session:ty, $backend:expr, $options:ty, $connection:ty, $pool:ty, $pool_options:ty) => {
        use deadpool::managed::{self, Metrics, RecycleResult};
        use sessionpool_core::Pool;
        use sqlx::{ConnectOptions, Connection, Executor};

        use super::{Failed, SELECT, SqlPeer};

        /// Ours, with every default on.
        #[derive(Clone)]
        struct Ours(Pool<$session>);

        impl SqlPeer for Ours {
            type Options = $options;

            fn build(options: $options, size: usize) -> Self {
                let pool = Pool::builder($backend(options)).max_size(size);
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

        /// sqlx's pool; without `TESTED` it does not ask whether a connection is alive.
        #[derive(Clone)]
        struct OfSqlx<const TESTED: bool>($pool);

        type Sqlx = OfSqlx<true>;
        type SqlxUntested = OfSqlx<false>;

        impl<const TESTED: bool> SqlPeer for OfSqlx<TESTED> {
            type Options = $options;

            fn build(options: $options, size: usize) -> Self {
                let size = u32::try_from(size).expect("a small pool");
                let pool = <$pool_options>::new().max_connections(size);
                Self(pool.test_before_acquire(TESTED).connect_lazy_with(options))
            }

            async fn select1(&self) {
                sqlx::query(SELECT).execute(&self.0).await.expect("an answer");
            }

            async fn unit(&self) {
                let mut tx = self.0.begin().await.expect("a transaction");
                sqlx::query(SELECT).execute(&mut *tx).await.expect("an answer");
                tx.commit().await.expect("a commit");
            }
        }

        /// deadpool over raw connections, with and without a ping.
        struct Raw<const PING: bool>($options);

        impl<const PING: bool> managed::Manager for Raw<PING> {
            type Type = $connection;
            type Error = sqlx::Error;

            async fn create(&self) -> sqlx::Result<$connection> {
                self.0.connect().await
            }

            async fn recycle(
                &self,
                connection: &mut $connection,
                _: &Metrics,
            ) -> RecycleResult<sqlx::Error> {
                if PING {
                    connection.ping().await?;
                }
                Ok(())
            }
        }

        struct OverRaw<const PING: bool>(managed::Pool<Raw<PING>>);

        impl<const PING: bool> Clone for OverRaw<PING> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        type Deadpool = OverRaw<false>;
        type DeadpoolPing = OverRaw<true>;

        impl<const PING: bool> SqlPeer for OverRaw<PING> {
            type Options = $options;

            fn build(options: $options, size: usize) -> Self {
                let pool = managed::Pool::builder(Raw(options)).max_size(size).build();
                Self(pool.expect("a pool without time limits"))
            }

            async fn select1(&self) {
                let mut connection = self.0.get().await.expect("a connection");
                let connection: &mut $connection = &mut connection;
                connection.execute(sqlx::query(SELECT)).await.expect("an answer");
            }

            async fn unit(&self) {
                let mut connection = self.0.get().await.expect("a connection");
                let connection: &mut $connection = &mut connection;
                let mut tx = connection.begin().await.expect("a transaction");
                sqlx::query(SELECT).execute(&mut *tx).await.expect("an answer");
                tx.commit().await.expect("a commit");
            }
        }
    };
}

use peers;
