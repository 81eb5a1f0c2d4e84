//! Calls into a backend: bounded in time, panics caught.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sessionpool_core::{Condition, Fault, Session};
use tokio::runtime::Handle;

/// Why a call did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    #[error("{call} took longer than {limit:?}")]
    TimedOut { call: &'static str, limit: Duration },
    #[error("{call} panicked: {message}")]
    Panicked { call: &'static str, message: String },
}

/// Awaits `work` for at most `limit`, and takes a panic for an answer.
///
/// Outside of a runtime there is no clock to go by: whoever drives deadpool's pool without
/// tokio has the limits of that.
pub(crate) async fn bounded<T>(
    call: &'static str,
    limit: Duration,
    work: impl Future<Output = T> + Send,
) -> Result<T, Silence> {
    caught(call, async move {
        if Handle::try_current().is_err() {
            return Ok(work.await);
        }
        let answer = tokio::time::timeout(limit, work).await;
        answer.map_err(|_| Silence::TimedOut { call, limit })
    })
    .await
}

/// A session's condition; asking must not panic, and a backend that breaks the rule is
/// taken for broken.
pub(crate) fn condition<S: Session>(session: &S) -> Condition {
    catch_unwind(AssertUnwindSafe(|| session.condition()))
        .unwrap_or(Condition::Broken(Fault::Other))
}

async fn caught<T>(
    call: &'static str,
    work: impl Future<Output = Result<T, Silence>>,
) -> Result<T, Silence> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(Silence::Panicked { call, message: message(&*panic) })),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}
