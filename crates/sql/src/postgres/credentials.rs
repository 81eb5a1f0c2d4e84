use sqlx::postgres::PgConnectOptions;

use crate::url::Secret;

/// Who logs in, and with which password, at this moment.
///
/// `Debug` prints the password as `***`.
#[derive(Clone, Debug)]
pub struct Credentials {
    username: Option<String>,
    password: Secret,
}

impl Credentials {
    /// A password for the user that the URL or the options name.
    pub fn password(password: impl Into<String>) -> Self {
        Self { username: None, password: Secret::new(password) }
    }

    /// Another user than the one that the URL or the options name.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    pub(super) fn into_options(self, options: PgConnectOptions) -> PgConnectOptions {
        let options = match &self.username {
            Some(username) => options.username(username),
            None => options,
        };
        options.password(self.password.expose())
    }
}
