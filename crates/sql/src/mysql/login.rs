use std::fmt;

use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};

use crate::credentials::Provider;
use crate::tls;
use crate::url::encrypt_mysql;

/// Where a database is and who logs in. Never printed as a whole: it has the
/// password.
#[derive(Clone)]
pub(super) struct Login {
    options: MySqlConnectOptions,
    /// Who knows the credentials of the moment.
    provider: Option<Provider>,
}

impl Login {
    pub(super) const fn new(options: MySqlConnectOptions) -> Self {
        Self { options, provider: None }
    }

    /// Encrypts and verifies, unless the way is short or somebody has decided
    /// otherwise by name.
    pub(super) fn of_options(options: MySqlConnectOptions) -> Self {
        Self::new(encrypt_mysql(options))
    }

    pub(super) fn ask_at_each_opening(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    pub(super) async fn connect(&self) -> sqlx::Result<MySqlConnection> {
        MySqlConnection::connect_with(&self.options().await?).await
    }

    async fn options(&self) -> sqlx::Result<MySqlConnectOptions> {
        let options = self.options.clone();
        if let MySqlSslMode::VerifyCa = options.get_ssl_mode() {
            tls::choose_cryptography();
        }
        let Some(provider) = &self.provider else { return Ok(options) };
        provider
            .fill_in(options, MySqlConnectOptions::username, MySqlConnectOptions::password)
            .await
    }

    /// For messages: no user, no password.
    pub(super) fn place(&self) -> String {
        let options = &self.options;
        let database = options.get_database().unwrap_or("no database");
        match options.get_socket() {
            Some(path) => format!("{database} at {}", path.display()),
            None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Login").field(&self.place()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_never_printed() {
        let options = MySqlConnectOptions::new()
            .host("db.example")
            .port(3307)
            .username("canary-user")
            .password("canary-password")
            .database("shop");
        let printed = format!("{:?}", Login::of_options(options));
        assert_eq!(printed, "Login(\"shop at db.example:3307\")");
    }
}
