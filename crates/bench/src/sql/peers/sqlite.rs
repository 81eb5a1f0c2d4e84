use std::sync::Arc;

use sessionpool_sql::{BeginMode, Sqlite, SqliteSession};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};
use tokio::sync::{Mutex, OnceCell};

use super::{DEADPOOL, Entry, HELD, OURS, SQLX, measure, peers};

pub(in crate::sql) const PEERS: [Entry<SqliteConnectOptions>; 6] = [
    (OURS, measure::<Ours>),
    (SQLX, measure::<Sqlx>),
    ("sqlx_untested", measure::<SqlxUntested>),
    (DEADPOOL, measure::<Deadpool>),
    ("deadpool_ping", measure::<DeadpoolPing>),
    (HELD, measure::<Held>),
];

peers!(SqliteSession, ours, SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions);

/// With units that begin as those of the others do: what is compared is the pools, not
/// who waits for SQLite's lock.
#[expect(clippy::needless_pass_by_value, reason = "as the other backends take them")]
fn ours(options: SqliteConnectOptions) -> Sqlite {
    Sqlite::file(options.get_filename()).begin_mode(BeginMode::Deferred)
}

/// A connection without any pool.
#[derive(Clone)]
struct Held {
    options: SqliteConnectOptions,
    connection: Arc<OnceCell<Mutex<SqliteConnection>>>,
}

impl Held {
    async fn connection(&self) -> &Mutex<SqliteConnection> {
        let connect = async || Mutex::new(self.options.connect().await.expect("a connection"));
        self.connection.get_or_init(connect).await
    }
}

impl SqlPeer for Held {
    type Options = SqliteConnectOptions;

    const IS_POOL: bool = false;

    fn build(options: SqliteConnectOptions, _: usize) -> Self {
        Self { options, connection: Arc::default() }
    }

    async fn select1(&self) {
        let mut connection = self.connection().await.lock().await;
        connection.execute(sqlx::query(SELECT)).await.expect("an answer");
    }

    async fn unit(&self) {
        let mut connection = self.connection().await.lock().await;
        let mut tx = connection.begin().await.expect("a transaction");
        sqlx::query(SELECT).execute(&mut *tx).await.expect("an answer");
        tx.commit().await.expect("a commit");
    }
}
