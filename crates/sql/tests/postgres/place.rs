use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Backend, Condition, Pool, Session, Transactional, TxOptions};
use sessionpool_sql::{PgSession, Postgres};
use sessionpool_testkit::proxy::Proxy;
use sessionpool_testkit::server;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

pub use crate::outcome::{
    Failed, Outside, assert_clean, commit, committed, failure, refused_commit, rolled_back, unknown,
};

/// What its pools lend.
pub type Lent = PgSession;

/// The SQLSTATE of a row that is there already.
pub const UNIQUE: &str = "23505";

/// The SQLSTATE of a row whose parent is not there.
pub const FOREIGN_KEY: &str = "23503";

/// The SQLSTATE of a lock that was not had in time.
pub const LOCKED: &str = "55P03";

/// From then on a connection waits for a lock for no longer than a moment.
pub const WAIT_BRIEFLY: &str = "set lock_timeout = '200ms'";

/// Begins a transaction in a way that is not just `begin`.
pub const BEGIN_READ_ONLY: &str = "begin read only";

/// A statement that touches the session.
pub const TOUCHES: &str = "set search_path = x";

/// The numbers 0 to 9,999.
pub const MANY: &str = "select x from generate_series(0, 9999) as t (x)";

/// How long something may take that is bound to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A database of a test's own, with a table `t (x)`.
#[derive(Debug)]
pub struct Place {
    pub server: &'static server::Postgres,
    pub database: String,
}

impl Place {
    pub async fn new() -> Self {
        let server = server::Postgres::shared().await;
        let database = server.create_database().await;
        let place = Self { server, database };
        place.run("create table t (x bigint primary key)").await;
        place
    }

    pub fn url(&self) -> String {
        self.server.url_of(&self.database)
    }

    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::from_str(&self.url()).unwrap()
    }

    pub fn postgres(&self) -> Postgres {
        Postgres::connect(&self.url()).unwrap()
    }

    pub fn pool(&self) -> Pool<PgSession> {
        Pool::builder(self.postgres()).max_size(2).acquire_timeout(SOON).build().unwrap()
    }

    pub async fn session(&self) -> PgSession {
        self.postgres().open().await.unwrap()
    }

    /// sqlx's own connection, as others would use it.
    pub async fn plain(&self) -> PgConnection {
        PgConnection::connect_with(&self.options().application_name("plain")).await.unwrap()
    }

    /// Runs something on a connection of its own.
    pub async fn run(&self, sql: &str) {
        let mut plain = self.plain().await;
        plain.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
        plain.close().await.unwrap();
    }

    /// One value, seen from outside.
    pub async fn look(&self, sql: &str) -> i64 {
        let mut plain = self.plain().await;
        let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut plain).await;
        plain.close().await.unwrap();
        found.unwrap()
    }

    /// The rows that are committed.
    pub async fn rows(&self) -> Vec<i64> {
        let mut plain = self.plain().await;
        let rows = sqlx::query_scalar("select x from t order by x").fetch_all(&mut plain).await;
        plain.close().await.unwrap();
        rows.unwrap()
    }

    /// Waits until a look from outside finds what is wanted.
    pub async fn becomes(&self, wanted: i64, sql: &str) {
        let look = async {
            while self.look(sql).await != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, look).await.unwrap_or_else(|_| panic!("never {wanted}: {sql}"));
    }

    /// Waits until so many transactions are open in the database with nothing to do.
    pub async fn in_transaction(&self, wanted: i64) {
        let sql = "select count(*) from pg_stat_activity \
             where datname = current_database() and state like 'idle in transaction%'";
        self.becomes(wanted, sql).await;
    }

    /// Waits until the server's process behind a session is in a state.
    pub async fn process_becomes(&self, session: &PgSession, condition: &str) {
        let pid = session.backend_pid().unwrap();
        let sql =
            format!("select count(*) from pg_stat_activity where pid = {pid} and ({condition})");
        self.becomes(1, &sql).await;
    }

    /// Ends a session's process, as an administrator would, and waits until it is gone.
    pub async fn kill(&self, session: &PgSession) {
        let pid = session.backend_pid().unwrap();
        self.run(&format!("select pg_terminate_backend({pid})")).await;
        self.gone(pid).await;
    }

    /// Waits until one of the server's processes is gone.
    pub async fn gone(&self, pid: i32) {
        self.becomes(0, &format!("select count(*) from pg_stat_activity where pid = {pid}")).await;
    }
}

impl Outside for Place {
    async fn has_no_rows(&self) -> bool {
        self.rows().await.is_empty()
    }
}

/// A place so far away that no answer is there at once.
pub struct Distant {
    pub place: Place,
    pub proxy: Proxy,
}

impl Distant {
    pub async fn new() -> Self {
        let place = Place::new().await;
        let proxy = Proxy::to_port(place.server.port()).await;
        proxy.set_latency(Duration::from_millis(5));
        Self { place, proxy }
    }

    pub async fn session(&self) -> PgSession {
        self.postgres().open().await.unwrap()
    }

    pub fn postgres(&self) -> Postgres {
        Postgres::new(self.options())
    }

    pub fn options(&self) -> PgConnectOptions {
        self.place.options().port(self.proxy.port())
    }
}

pub async fn run(session: &mut PgSession, sql: &'static str) {
    sqlx::query(sql).execute(session).await.unwrap();
}

/// Sends a statement, and drops its future before the answer.
#[track_caller]
pub fn drop_half_way(session: &mut PgSession, sql: &'static str) {
    assert!(session.execute(sql).now_or_never().is_none(), "the statement is too short");
    assert_eq!(session.condition(), Condition::Busy);
}

pub async fn insert(session: &mut PgSession, x: i64) {
    sqlx::query("insert into t values ($1)").bind(x).execute(session).await.unwrap();
}

pub async fn one(session: &mut PgSession, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(session).await.unwrap()
}

pub async fn text(session: &mut PgSession, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(session).await.unwrap()
}

pub async fn begin(session: &mut PgSession) {
    PgSession::begin(session, &TxOptions::new()).await.unwrap();
}

pub async fn begin_in(session: &mut PgSession, options: TxOptions) {
    PgSession::begin(session, &options).await.unwrap();
}

pub async fn release(session: &mut PgSession) {
    PgSession::release(session).await.unwrap();
    assert_clean(session);
}

/// The SQLSTATE.
#[track_caller]
pub fn code(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .unwrap_or_else(|| panic!("not PostgreSQL's: {error:?}"))
        .code()
        .unwrap()
        .into_owned()
}
