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

    /// A driver's options with the credentials of this moment. The drivers have no trait
    /// of options with a user and a password, but the same two setters.
    pub(crate) async fn fill_in<O>(
        &self,
        options: O,
        username: impl FnOnce(O, &str) -> O,
        password: impl FnOnce(O, &str) -> O,
    ) -> sqlx::Result<O> {
        let credentials = (self.0)().await.map_err(|source| SqlFailure::Credentials { source })?;
        let options = match &credentials.username {
            Some(name) => username(options, name),
            None => options,
        };
        Ok(password(options, credentials.password.expose()))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}
