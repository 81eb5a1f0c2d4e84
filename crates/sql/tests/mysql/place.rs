use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Backend, Condition, Pool, Session, Transactional, TxOptions};
use sessionpool_sql::{ConnectUrl, MySql, MySqlSession};
use sessionpool_testkit::proxy::Proxy;
use sessionpool_testkit::server::MariaDb;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{Connection, Executor, Row};

pub use crate::outcome::{
    Failed, Outside, assert_clean, commit, committed, failure, refused_commit, rolled_back, unknown,
};

/// What its pools lend.
pub type Lent = MySqlSession;

/// The server's number of a row that is there already.
pub const UNIQUE: u16 = 1062;

/// The server's number of a lock that was not had in time.
pub const LOCKED: u16 = 1205;

/// From then on a connection waits for a lock for as short a time as can be said.
pub const WAIT_BRIEFLY: &str = "set innodb_lock_wait_timeout = 1";

/// Begins a transaction in a way that is not just `begin`.
pub const BEGIN_READ_ONLY: &str = "start transaction read only";

/// How long something may take that is bound to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// Whoever looks at InnoDB's transactions again within 100 ms is shown the same as before.
const BETWEEN_LOOKS: Duration = Duration::from_millis(120);

/// A database of a test's own, with a table `t (x)`, and a way there that can fail.
#[derive(Debug)]
pub struct Place {
    pub server: &'static MariaDb,
    pub database: String,
    pub proxy: Proxy,
}

impl Place {
    pub async fn new() -> Self {
        let server = MariaDb::shared().await;
        let database = server.create_database().await;
        let proxy = Proxy::to_port(server.port()).await;
        let place = Self { server, database, proxy };
        place.run("create table t (x bigint primary key)").await;
        place
    }

    /// By way of the proxy.
    pub fn url(&self) -> ConnectUrl {
        ConnectUrl::create("mysql")
            .unwrap()
            .with_username(MariaDb::USER)
            .with_host("127.0.0.1")
            .with_port(self.proxy.port())
            .with_database(&*self.database)
    }

    pub fn options(&self) -> MySqlConnectOptions {
        MySqlConnectOptions::try_from(&self.url()).unwrap()
    }

    pub fn mysql(&self) -> MySql {
        MySql::at(&self.url()).unwrap()
    }

    pub fn pool(&self) -> Pool<MySqlSession> {
        Pool::builder(self.mysql()).max_size(2).acquire_timeout(SOON).build().unwrap()
    }

    pub async fn session(&self) -> MySqlSession {
        self.mysql().open().await.unwrap()
    }

    /// sqlx's own connection, as others would use it, by way of the proxy.
    pub async fn plain(&self) -> MySqlConnection {
        MySqlConnection::connect_with(&self.options()).await.unwrap()
    }

    /// Runs something from outside.
    pub async fn run(&self, sql: &str) -> String {
        self.server.sql_in(&self.database, sql).await
    }

    /// The rows that are committed.
    pub async fn rows(&self) -> Vec<i64> {
        let rows = self.run("select x from t order by x").await;
        rows.lines().map(|row| row.parse().unwrap()).collect()
    }

    /// Waits until a look from outside finds what is wanted.
    pub async fn becomes(&self, wanted: &str, sql: &str) {
        until(&format!("{wanted}: {sql}"), async || self.run(sql).await == wanted).await;
    }

    /// Waits until so many of the session's statements are at the server.
    pub async fn at_work(&self, session: &MySqlSession, wanted: usize) {
        let id = session.connection_id();
        let sql = format!(
            "select count(*) from information_schema.processlist \
             where id = {id} and command in ('Query', 'Execute')"
        );
        self.becomes(&wanted.to_string(), &sql).await;
    }

    /// Waits until so many transactions that have done something are open in the database.
    pub async fn in_transaction(&self, wanted: usize) {
        let sql = format!(
            "select count(*) from information_schema.innodb_trx \
             join information_schema.processlist on id = trx_mysql_thread_id where db = '{}'",
            self.database
        );
        self.becomes(&wanted.to_string(), &sql).await;
    }

    /// Two sessions in each other's way. The victim has written less, and is undone.
    pub async fn deadlock<C: Send>(&self, victim: &mut C) -> sqlx::Error
    where
        for<'c> &'c mut C: Executor<'c, Database = sqlx::MySql>,
    {
        let mut other = self.plain().await;
        other.execute("begin; insert into t select seq from seq_1000_to_2000").await.unwrap();
        other.execute("insert into t values (1)").await.unwrap();
        victim.execute("insert into t values (2)").await.unwrap();
        let others = async { other.execute("insert into t values (2)").await };
        let ours = async { victim.execute("insert into t values (1)").await };
        let (others, ours) = tokio::join!(others, ours);
        others.expect("the greater one goes on");
        other.execute("rollback").await.unwrap();
        ours.unwrap_err()
    }

    /// Ends a session, as an administrator would, and waits until it is gone.
    pub async fn kill(&self, session: &MySqlSession) {
        let id = session.connection_id();
        self.run(&format!("kill {id}")).await;
        self.gone(id).await;
    }

    /// Waits until the server has no session of that number any more.
    pub async fn gone(&self, id: u64) {
        let sql = format!("select count(*) from information_schema.processlist where id = {id}");
        self.becomes("0", &sql).await;
    }
}

impl Outside for Place {
    async fn has_no_rows(&self) -> bool {
        self.rows().await.is_empty()
    }
}

/// Waits until something is so, at a place of one's own.
pub async fn until<F>(what: &str, is_so: impl Fn() -> F + Send + Sync)
where
    F: Future<Output = bool> + Send,
{
    let look = async {
        while !is_so().await {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub async fn run(session: &mut MySqlSession, sql: &'static str) {
    session.execute(sql).await.unwrap();
}

/// Sends a statement, and drops its future before the answer.
#[track_caller]
pub fn drop_half_way(session: &mut MySqlSession, sql: &'static str) {
    assert!(session.execute(sql).now_or_never().is_none(), "the statement is too short");
    assert_eq!(session.condition(), Condition::Busy);
}

pub async fn insert(session: &mut MySqlSession, x: i64) {
    sqlx::query("insert into t values (?)").bind(x).execute(session).await.unwrap();
}

pub async fn one(session: &mut MySqlSession, sql: &'static str) -> i64 {
    number_in(&session.fetch_one(sql).await.unwrap())
}

/// The first column, whatever kind of number it is to the server.
pub fn number_in(row: &MySqlRow) -> i64 {
    row.try_get_unchecked(0).unwrap()
}

pub async fn begin(session: &mut MySqlSession) {
    MySqlSession::begin(session, &TxOptions::new()).await.unwrap();
}

pub async fn release(session: &mut MySqlSession) {
    MySqlSession::release(session).await.unwrap();
    assert_clean(session);
}

/// The server's number.
#[track_caller]
pub fn code(error: &sqlx::Error) -> u16 {
    error
        .as_database_error()
        .unwrap_or_else(|| panic!("not the server's: {error:?}"))
        .downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .number()
}
