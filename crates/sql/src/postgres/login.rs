use std::fmt;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use crate::credentials::Provider;
use crate::tls;
use crate::url::Distance;

/// Where a database is and who logs in. Never printed as a whole: it has the
/// password.
#[derive(Clone)]
pub(super) struct Login {
    options: PgConnectOptions,
    /// Who knows the credentials of the moment.
    provider: Option<Provider>,
}

impl Login {
    /// Verifies whom it talks to beyond the machine, unless somebody has decided
    /// otherwise by name.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        // The driver's own default, which falls back to plain text unasked.
        let is_undecided = matches!(options.get_ssl_mode(), PgSslMode::Prefer);
        if is_undecided && !is_local(&options) {
            return Self { options: options.ssl_mode(PgSslMode::VerifyFull), provider: None };
        }
        Self { options, provider: None }
    }

    pub(super) fn ask_at_each_opening(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(super) async fn connect(&self) -> sqlx::Result<PgConnection> {
        PgConnection::connect_with(&self.options().await?).await
    }

    /// A connection for our own use beside the sessions.
    pub(super) async fn connect_beside(&self) -> sqlx::Result<PgConnection> {
        let name = "sessionpool, to cancel";
        self.options().await?.application_name(name).connect().await
    }

    async fn options(&self) -> sqlx::Result<PgConnectOptions> {
        let options = self.options.clone();
        if let PgSslMode::VerifyCa = options.get_ssl_mode() {
            tls::choose_cryptography();
        }
        let Some(provider) = &self.provider else { return Ok(options) };
        provider.fill_in(options, PgConnectOptions::username, PgConnectOptions::password).await
    }

    /// A login that a pooler in transaction mode takes.
    pub(super) fn behind_pooler(mut self) -> Self {
        self.options = self.options.statement_cache_capacity(0).extra_float_digits(None);
        self
    }

    /// For messages: no user, no password.
    pub(super) fn place(&self) -> String {
        let options = &self.options;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        match options.get_socket() {
            Some(folder) => format!("{database} at {}", folder.display()),
            None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.place()).finish()
    }
}

/// True if what is sent does not leave the machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let socket = options.get_socket().map(|path| &**path);
    !matches!(Distance::to(options.get_host(), socket), Distance::Remote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(host: &str, mode: PgSslMode) -> PgSslMode {
        let options = PgConnectOptions::new_without_pgpass().host(host).ssl_mode(mode);
        Login::new(options).options.get_ssl_mode()
    }

    #[test]
    fn who_did_not_decide_is_verified_beyond_the_machine() {
        for host in ["db.example", "10.0.0.7", "2001:db8::1", "localhost.example"] {
            assert!(matches!(mode(host, PgSslMode::Prefer), PgSslMode::VerifyFull), "{host}");
            assert!(matches!(mode(host, PgSslMode::Disable), PgSslMode::Disable), "{host}");
            assert!(matches!(mode(host, PgSslMode::Require), PgSslMode::Require), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "::1", "/run/postgresql"] {
            assert!(matches!(mode(host, PgSslMode::Prefer), PgSslMode::Prefer), "{host}");
        }
    }

    #[test]
    fn a_login_is_never_printed() {
        let options = PgConnectOptions::new_without_pgpass()
            .host("db.example")
            .port(5433)
            .username("canary-user")
            .password("canary-password")
            .database("shop");
        let printed = format!("{:?}", Login::new(options));
        assert_eq!(printed, "Login(\"shop at db.example:5433\")");
    }
}
