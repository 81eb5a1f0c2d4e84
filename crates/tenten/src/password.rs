use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
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
            Self::Provided(provider) => unwinding(async { provider().await }),
        };
        let failed = |source| Error::Password { user: user.to_owned(), source };
        match timeout(limit, asked).await {
            Ok(answer) => answer.map(Secret::new).map_err(failed),
            Err(late) => Err(failed(late.into())),
        }
    }
}

/// Has a panic of the caller's code be no answer: there are IDs to give back.
async fn unwinding<T>(
    asked: impl Future<Output = std::result::Result<T, Failure>>,
) -> std::result::Result<T, Failure> {
    let mut asked = pin!(asked);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| asked.as_mut().poll(cx)));
        polled.unwrap_or_else(|_| Poll::Ready(Err("the password's provider panicked".into())))
    })
    .await
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Said = std::result::Result<String, std::io::Error>;

    async fn panics() -> Said {
        panic!("later")
    }

    #[tokio::test]
    async fn a_provider_that_panics_gives_no_password() {
        let at_once = Password::provided(|| -> std::future::Ready<Said> { panic!("at once") });
        let later = Password::provided(panics);
        for password in [at_once, later] {
            let error = password.get("u", Duration::from_secs(10)).await.expect_err("none");
            assert!(matches!(&error, Error::Password { user, .. } if user == "u"), "{error:?}");
        }
    }
}
