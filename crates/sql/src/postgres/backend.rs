use std::borrow::Cow;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::Backend;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::canceller::{Canceller, Process};
use super::config::Config;
use super::driver::PgDriver;
use super::login::Login;
use super::session::PgSession;
use super::{error, text};
use crate::credentials::{Credentials, Provider};
use crate::effect::Effect;
use crate::reset::Reset;
use crate::url::{ConnectUrl, UrlError};

/// One PostgreSQL database.
///
/// Units of work take every option of
/// [`TxOptions`](sessionpool_core::TxOptions); all of it travels with `BEGIN` in one
/// round trip, and a unit of one statement costs three.
///
/// ```no_run
/// # use sessionpool_core::{Pool, TxError, TxOptions};
/// # use sessionpool_sql::Postgres;
/// # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let pool = Pool::builder(Postgres::connect("postgres://app@localhost/shop")?).build()?;
///
/// let of_tenant = TxOptions::new().setting("app.tenant", "7");
/// pool.transaction_in(of_tenant, async |tx| {
///     sqlx::query("insert into item values ($1)").bind("tea").execute(&mut **tx).await?;
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
/// # What watches over a dead line
///
/// The driver has no socket options, so this side relies on the pool's time limits.
/// The server's side is told to look after itself, with the settings
/// `tcp_keepalives_*`, `tcp_user_timeout`, `client_connection_check_interval` and
/// `idle_in_transaction_session_timeout`, see [`peer_timeout`](Self::peer_timeout),
/// [`peer_check`](Self::peer_check) and
/// [`idle_in_transaction_timeout`](Self::idle_in_transaction_timeout). They free the
/// server's locks when a client dies; they do not shorten a client's wait for a dead
/// server: bound your statements, with `tokio::time::timeout` or
/// [`TxOptions::statement_timeout`](sessionpool_core::TxOptions::statement_timeout).
///
/// # Encryption
///
/// Beyond the machine, certificate and name are verified unless the URL or the
/// options name another `sslmode`; the driver's own default, `prefer`, would fall back to
/// plain text and is not taken for a decision there. The feature `tls`, or one of sqlx's
/// own, must be on; it also decides which roots are trusted.
#[derive(Debug)]
pub struct Postgres {
    login: Arc<Login>,
    config: Arc<Config>,
    canceller: Arc<Canceller>,
}

impl Postgres {
    /// The database at a URL: `postgres://user:password@host/database?key=value`, with the
    /// keys of [`ConnectUrl`]'s conversion into [`PgConnectOptions`].
    ///
    /// # Errors
    ///
    /// It is no URL, or not one of a PostgreSQL database, or has a key that is not known.
    pub fn connect(url: &str) -> Result<Self, UrlError> {
        Self::at(&ConnectUrl::parse(url)?)
    }

    /// The database at a URL made of its parts.
    ///
    /// # Errors
    ///
    /// It is not one of a PostgreSQL database, or has a key that is not known.
    pub fn at(url: &ConnectUrl) -> Result<Self, UrlError> {
        PgConnectOptions::try_from(url).map(Self::new)
    }

    /// The database that sqlx's options describe.
    #[must_use]
    pub fn new(options: PgConnectOptions) -> Self {
        let login = Arc::new(Login::new(options));
        let canceller = Arc::new(Canceller::new(Arc::clone(&login)));
        Self { login, config: Arc::default(), canceller }
    }

    /// What is done to a session before the next borrower may have it. Default:
    /// [`Reset::Clean`].
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

    /// The node is meant to be read: a write that it refuses (25006) is then the
    /// statement's fault. Default: no; it means that the node has lost its place as
    /// the primary, and that all its sessions are of no use.
    #[must_use]
    pub fn replica(self) -> Self {
        self.with(|config| config.replica = true)
    }

    /// A lock that was not granted within
    /// [`lock_timeout`](sessionpool_core::TxOptions::lock_timeout) (55P03) is a
    /// conflict, so that
    /// [`transaction_with`](sessionpool_core::Pool::transaction_with) runs the unit
    /// again. Default: no.
    #[must_use]
    pub fn lock_timeout_is_conflict(self) -> Self {
        self.with(|config| config.lock_timeout_is_conflict = true)
    }

    /// Between us and the server stands PgBouncer or its like in transaction mode, where
    /// each transaction may meet another of the server's sessions. Default: no.
    ///
    /// What belongs to a session is left out then: prepared statements, start-up
    /// parameters and settings, cancelling at the server, the reset at return. Units
    /// work as ever, and so do the settings that
    /// [`TxOptions`](sessionpool_core::TxOptions) brings along. Outside of a transaction,
    /// statements with parameters are refused
    /// ([`SqlFailure::NeedsTransaction`](crate::SqlFailure::NeedsTransaction)): they are two
    /// requests, and the second might run somebody else's statement. Statements without
    /// parameters travel as plain text, and their rows, too.
    ///
    /// Whatever a borrower leaves on a session (`SET` without `LOCAL`, temporary tables,
    /// advisory locks) is met by strangers; nothing here can help that.
    #[must_use]
    pub fn behind_pooler(self) -> Self {
        self.with_login(Login::behind_pooler).with(|config| config.behind_pooler = true)
    }

    /// Asks for the credentials at each opening, so that rotated ones are used from the
    /// next session on; sessions that are open go on. Its time counts as part of the
    /// opening's. So it is for the connection over which statements are cancelled, as part
    /// of the 3 s that has. Default: those of the URL or the options.
    ///
    /// An error is a passing one, and asked about again at the next opening.
    ///
    /// ```
    /// # use sessionpool_sql::{Credentials, Postgres, UrlError};
    /// # fn example() -> Result<Postgres, UrlError> {
    /// Ok(Postgres::connect("postgres://app@localhost/shop")?.credentials(|| async {
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
        self.with_login(|login| login.ask_at_each_opening(Provider::new(provider)))
    }

    /// How long the server hears nothing of a client before it gives it up: its
    /// `tcp_user_timeout`, with three keepalives within it. `None` leaves the server's
    /// own, which may be hours. Default: 60 s.
    #[must_use]
    pub fn peer_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.with(|config| config.peer_timeout = limit.into())
    }

    /// How often the server looks, during a statement, whether its client is still
    /// there: its `client_connection_check_interval`, from version 14 on. `None` leaves
    /// the server's own, which is never. Default: 1 s.
    #[must_use]
    pub fn peer_check(self, interval: impl Into<Option<Duration>>) -> Self {
        self.with(|config| config.peer_check = interval.into())
    }

    /// How long a transaction may lie idle before the server ends its session (25P03):
    /// the net beneath [`TxOptions::idle_timeout`](sessionpool_core::TxOptions), for a
    /// program that stands still with locks in its hands. `None` leaves the server's
    /// own. Default: 10 min.
    #[must_use]
    pub fn idle_in_transaction_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.with(|config| config.idle_in_transaction_timeout = limit.into())
    }

    fn with_login(mut self, set: impl FnOnce(Login) -> Login) -> Self {
        self.login = Arc::new(set(Login::clone(&self.login)));
        self.canceller = Arc::new(Canceller::new(Arc::clone(&self.login)));
        self
    }

    fn with(mut self, set: impl FnOnce(&mut Config)) -> Self {
        set(Arc::make_mut(&mut self.config));
        self
    }

    async fn connect_session(&self) -> sqlx::Result<PgSession> {
        let mut connection = self.login.connect().await?;
        if self.config.behind_pooler {
            let driver = PgDriver::new(Arc::clone(&self.config), "", None);
            return Ok(PgSession::new(connection, driver));
        }
        let version = connection.server_version_num().unwrap_or_default();
        let settings = self.config.settings(version);
        let mut text = settings.clone();
        text::push(&mut text, Process::SQL);
        let row = connection.fetch_one(AssertSqlSafe(text)).await?;
        let process = (Process::of(&row)?, Arc::clone(&self.canceller));
        let driver = PgDriver::new(Arc::clone(&self.config), &settings, Some(process));
        Ok(PgSession::new(connection, driver))
    }
}

impl Backend for Postgres {
    type Session = PgSession;

    /// Logs in and applies the settings.
    ///
    /// # Errors
    ///
    /// [`SqlFailure::Open`](crate::SqlFailure::Open), rejected if credentials or settings have to change, busy
    /// if the server has no connection left, transient if it may answer later.
    async fn open(&self) -> sqlx::Result<PgSession> {
        self.connect_session().await.map_err(|source| error::of_open(self.login.place(), source))
    }

    /// One round trip in which nothing is asked.
    async fn check(&self, session: &mut PgSession) -> sqlx::Result<()> {
        session.talk.own(Effect::READ, |connection| connection.ping().boxed()).await
    }
}
