//! Who logs in at this moment.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;

use crate::failure::SqlFailure;
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

    pub(crate) fn get_username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    pub(crate) fn expose_password(&self) -> &str {
        self.password.expose()
    }
}

/// Asks for the credentials at each opening.
#[derive(Clone)]
pub(crate) struct Provider(Arc<dyn Fn() -> BoxFuture<'static, Provided> + Send + Sync>);

type Provided = Result<Credentials, Box<dyn StdError + Send + Sync>>;

impl Provider {
    pub(crate) fn new<F>(provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Provided> + Send + 'static,
    {
        Self(Arc::new(move || provider().boxed()))
    }

    pub(crate) async fn ask(&self) -> sqlx::Result<Credentials> {
        (self.0)().await.map_err(|source| SqlFailure::Credentials { source }.into())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}
