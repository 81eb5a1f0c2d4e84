use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::secret::Secret;
use crate::{Error, Result};

type Failure = Box<dyn StdError + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = std::result::Result<String, Failure>> + Send>>;

/// Where the clear password comes from.
#[derive(Clone)]
pub(crate) enum Password {
    Fixed(Secret),
    Provided(Arc<dyn Fn() -> Answer + Send + Sync>),
}

impl Password {
    pub(crate) fn provided<F, E>(provider: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::result::Result<String, E>> + Send + 'static,
        E: Into<Failure> + 'static,
    {
        Self::Provided(Arc::new(move || {
            let asked = provider();
            Box::pin(async move { asked.await.map_err(Into::into) })
        }))
    }

    /// The password that counts now.
    pub(crate) async fn get(&self, user: &str, limit: Duration) -> Result<Secret> {
        let asked = match self {
            Self::Fixed(secret) => return Ok(secret.clone()),
            Self::Provided(provider) => provider(),
        };
        let failed = |source| Error::Password { user: user.to_owned(), source };
        match timeout(limit, asked).await {
            Ok(answer) => answer.map(Secret::new).map_err(failed),
            Err(late) => Err(failed(late.into())),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
