use std::borrow::Cow;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::Backend;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Error, Executor, Row};

use super::canceller::{Canceller, Thread};
use super::config::Config;
use super::driver::MySqlDriver;
use super::line::Line;
use super::login::Login;
use super::session::MySqlSession;
use super::{effect, error};
use crate::credentials::{Credentials, Provider};
use crate::effect::Effect;
use crate::reset::Reset;
use crate::statement::Syntax;
use crate::url::{ConnectUrl, UrlError};

/// One MySQL or MariaDB database.
///
/// Units of work take every option of [`TxOptions`](sessionpool_core::TxOptions) but
/// *deferrable*; all of it travels with the beginning in one round trip, is undone in that
/// of the end, and a unit of one statement costs three.
///
/// | option | here |
/// |---|---|
/// | isolation, read-only | `SET TRANSACTION`, `START TRANSACTION READ ONLY` |
/// | statement timeout | MariaDB's `max_statement_time`; MySQL's `max_execution_time`, which is for `SELECT` alone |
/// | lock timeout | `innodb_lock_wait_timeout`, in whole seconds, at least one |
/// | idle timeout | `wait_timeout`, in whole seconds |
/// | settings | user variables: `app.tenant` is ``@`app.tenant` ``, and `NULL` outside |
///
/// ```no_run
/// # use sessionpool_core::{Pool, TxError, TxOptions};
/// # use sessionpool_sql::MySql;
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let pool = Pool::builder(MySql::connect("mysql://app@localhost/shop")?).build()?;
///
/// pool.transaction(async |tx| {
///     sqlx::query("insert into item values (?)").bind("tea").execute(&mut **tx).await?;
///     Ok::<_, Failed>(())
/// })
/// .await?;
/// # Ok(())
/// # }
/// # #[derive(Debug, thiserror::Error)]
/// # enum Failed {
/// #     #[error(transparent)] Sql(#[from] sqlx::Error),
/// #     #[error(transparent)] Tx(#[from] TxError),
/// # }
/// ```
///
/// # Servers
///
/// Each test runs on MariaDB 10.11. On MySQL 9.7 the suite was run once by hand; older
/// versions of MySQL have not been seen.
///
/// # What watches over a dead line
///
/// The driver has no socket options, so this side relies on the pool's time limits. A
/// server notices that its client is gone when it next writes to it, at the end of the
/// statement it is at, or after `wait_timeout`: bound your statements, with
/// `tokio::time::timeout` or
/// [`TxOptions::statement_timeout`](sessionpool_core::TxOptions::statement_timeout).
///
/// # Encryption
///
/// Beyond the machine, certificate and name are verified unless the URL or the options say
/// otherwise by name (`ssl_mode=…`); the driver's own default would fall back to plain
/// text.
///
/// MySQL takes a password only over TLS (its `caching_sha2_password`), on loopback, too:
/// switch on the feature `tls`, or sqlx's `mysql-rsa`.
#[derive(Debug)]
pub struct MySql {
    login: Arc<Login>,
    config: Arc<Config>,
    canceller: Arc<Canceller>,
}

impl MySql {
    /// The database at a URL: `mysql://user:password@host/database`, as [`ConnectUrl`]
    /// reads it.
    ///
    /// # Errors
    ///
    /// It is no URL of a MySQL or MariaDB database.
    pub fn connect(url: &str) -> Result<Self, UrlError> {
        Self::at(&ConnectUrl::parse(url)?)
    }

    /// The database at a URL.
    ///
    /// # Errors
    ///
    /// It is not one of a MySQL or MariaDB database.
    pub fn at(url: &ConnectUrl) -> Result<Self, UrlError> {
        Ok(Self::of(Login::new(url.try_into()?)))
    }

    /// The database that sqlx's options describe. The driver's default, `PREFERRED`,
    /// counts as undecided about encryption.
    #[must_use]
    pub fn new(options: MySqlConnectOptions) -> Self {
        Self::of(Login::of_options(options))
    }

    fn of(login: Login) -> Self {
        let login = Arc::new(login);
        let canceller = Arc::new(Canceller::new(Arc::clone(&login)));
        Self { login, config: Arc::default(), canceller }
    }

    /// What is done to a session before the next borrower may have it. Default:
    /// [`Reset::Clean`].
    ///
    /// MySQL has no statement that puts a session back, and the driver does not offer
    /// the protocol's own: where [`Reset::Clean`] and [`Reset::Always`] would, the
    /// session is ended and a fresh one opened, as with [`Reset::Discard`].
    #[must_use]
    pub fn reset(self, reset: Reset) -> Self {
        self.with(|config| config.reset = reset)
    }

    /// Units without this setting are refused, and so is every statement outside of
    /// a unit: for a tenant, without whom nobody should see anything. May be called
    /// for several. Default: none.
    #[must_use]
    pub fn require_setting(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(|config| config.required.add(name.into()))
    }

    /// The node is meant to be read: a write that it refuses (1290, 1836) is then the
    /// statement's fault. Default: no; it means that the node has lost its place as
    /// the primary, and that all its sessions are of no use.
    #[must_use]
    pub fn replica(self) -> Self {
        self.with(|config| config.replica = true)
    }

    /// A lock that was not granted within
    /// [`lock_timeout`](sessionpool_core::TxOptions::lock_timeout) (1205) is a conflict,
    /// so that [`transaction_with`](sessionpool_core::Pool::transaction_with) runs the
    /// unit again, after it was rolled back. Default: no.
    #[must_use]
    pub fn lock_timeout_is_conflict(self) -> Self {
        self.with(|config| config.lock_timeout_is_conflict = true)
    }

    /// Asks for the credentials at each opening, so that rotated ones are used from the
    /// next session on; sessions that are open go on. Its time counts as part of the
    /// opening's. So it is for the connection over which statements are cancelled, as part
    /// of the 3 s that has. Default: those of the URL or the options.
    ///
    /// An error is a passing one, and asked about again at the next opening.
    ///
    /// ```
    /// # use sessionpool_sql::{Credentials, MySql, UrlError};
    /// # fn example() -> Result<MySql, UrlError> {
    /// Ok(MySql::connect("mysql://app@localhost/shop")?.credentials(|| async {
    ///     let password = std::fs::read_to_string("/run/secrets/shop")?;
    ///     Ok(Credentials::password(password.trim_end()))
    /// }))
    /// # }
    /// ```
    #[must_use]
    pub fn credentials<F>(self, provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        let login = Login::clone(&self.login).ask_at_each_opening(Provider::new(provider));
        Self { config: self.config, ..Self::of(login) }
    }

    fn with(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(Arc::make_mut(&mut self.config));
        self
    }

    async fn connect_session(&self) -> sqlx::Result<MySqlSession> {
        let mut connection = self.login.connect().await?;
        let server = Server::ask(&mut connection).await?;
        let config = Arc::clone(&self.config);
        let driver = MySqlDriver::new(config, server, Arc::clone(&self.canceller));
        Ok(MySqlSession::new(Line::new(connection), driver))
    }
}

impl Backend for MySql {
    type Session = MySqlSession;

    /// Logs in and asks who is there.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::Open`](crate::SqlFailure::Open), rejected if credentials or settings
    /// have to change, busy if the server has no connection left, transient if it may
    /// answer later.
    async fn open(&self) -> sqlx::Result<MySqlSession> {
        self.connect_session().await.map_err(|source| error::of_open(self.login.place(), source))
    }

    /// One round trip in which nothing is asked.
    async fn check(&self, session: &mut MySqlSession) -> sqlx::Result<()> {
        session.talk.own(Effect::READ, Line::ping).await
    }
}

/// The two that speak the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    MariaDb,
    MySql,
}

/// What a session has to know of its server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) thread: Thread,
    pub(super) flavour: Flavour,
    /// A lock that was not granted in time undoes the whole transaction.
    pub(super) undoes_on_lock_timeout: bool,
    /// How it reads what is sent.
    pub(super) syntax: Syntax,
    /// How long a session may be idle.
    pub(super) wait_timeout: Duration,
}

impl Server {
    async fn ask(
        connection: impl Executor<'_, Database = sqlx::mysql::MySql>,
    ) -> Result<Self, Error> {
        let text = format!(
            "SELECT {}, VERSION(), @@innodb_rollback_on_timeout, \
             @@wait_timeout, FIND_IN_SET('NO_BACKSLASH_ESCAPES', @@sql_mode) = 0, \
             FIND_IN_SET('ANSI_QUOTES', @@sql_mode) = 0",
            Thread::columns()
        );
        let row = connection.fetch_one(AssertSqlSafe(text)).await?;
        let version: String = row.try_get(2)?;
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        Ok(Self {
            thread: Thread::of(&row)?,
            flavour: if is_mariadb { Flavour::MariaDb } else { Flavour::MySql },
            undoes_on_lock_timeout: row.try_get_unchecked::<i64, _>(3)? != 0,
            wait_timeout: Duration::from_secs(row.try_get_unchecked(4)?),
            syntax: Syntax {
                backslashes: row.try_get_unchecked::<i64, _>(5)? != 0,
                double_quotes: row.try_get_unchecked::<i64, _>(6)? != 0,
                ..effect::SYNTAX
            },
        })
    }
}
