use std::fmt;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions, Connection};

use crate::url::encrypt_mysql;

/// Where a database is and who logs in. Never printed as a whole: it has the
/// password.
pub(super) struct Login {
    options: MySqlConnectOptions,
}

impl Login {
    pub(super) const fn new(options: MySqlConnectOptions) -> Self {
        Self { options }
    }

    /// Encrypts and verifies, unless the way is short or somebody has decided
    /// otherwise by name.
    pub(super) fn of_options(options: MySqlConnectOptions) -> Self {
        Self::new(encrypt_mysql(options))
    }

    pub(super) async fn connect(&self) -> sqlx::Result<MySqlConnection> {
        MySqlConnection::connect_with(&self.options).await
    }

    /// A connection for our own use beside the sessions.
    pub(super) async fn connect_beside(&self) -> sqlx::Result<MySqlConnection> {
        self.options.clone().connect().await
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
