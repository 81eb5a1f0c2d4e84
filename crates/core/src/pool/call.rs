//! Calls into a backend: bounded in time, panics caught.

use std::any::Any;
use std::future::{self, Future};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time;

use super::clock;
use crate::error::{CallError, Cause};
use crate::{Condition, Fault, Session};

/// Why a call did not answer with what it was asked for.
#[derive(Debug)]
pub(crate) enum CallFailure<E> {
    /// It answered an error.
    Answered(E),
    /// It did not answer.
    Silent(CallError),
}

impl<E: std::error::Error + Send + Sync + 'static> CallFailure<E> {
    pub(crate) fn into_cause(self) -> Cause {
        match self {
            Self::Answered(error) => Arc::new(error),
            Self::Silent(error) => Arc::new(error),
        }
    }
}

impl<E> CallFailure<E> {
    /// What it means; a call that was not answered left everything in doubt.
    pub(crate) fn fault<S: Session<Error = E>>(&self) -> Fault {
        match self {
            Self::Answered(error) => classify::<S>(error),
            Self::Silent(_) => Fault::Other,
        }
    }
}

/// Awaits `work` for at most `limit`, and takes a panic for an answer.
///
/// Outside of a runtime with a time driver there is no clock to go by, and the work is awaited as it
/// is: whoever drives a session without a runtime has limits of his own.
pub(crate) async fn bounded<T>(
    call: &'static str,
    limit: Duration,
    work: impl Future<Output = T> + Send,
) -> Result<T, CallError> {
    let work = caught(call, work);
    if !clock::is_here() {
        return work.await;
    }
    match time::timeout(limit, work).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::TimedOut { call, limit }),
    }
}

/// [`bounded`], for calls that answer a `Result`.
pub(crate) async fn try_bounded<T, E>(
    call: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, CallFailure<E>> {
    match bounded(call, limit, work).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(CallFailure::Answered(error)),
        Err(silent) => Err(CallFailure::Silent(silent)),
    }
}

/// Makes a session fit for the next borrower; in time, and in truth.
pub(crate) async fn clean<S: Session>(
    session: &mut S,
    limit: Duration,
) -> Result<(), CallFailure<S::Error>> {
    try_bounded("cleaning a session", limit, S::release(session)).await?;
    match condition(session) {
        Condition::Clean => Ok(()),
        condition => Err(CallFailure::Silent(CallError::LeftUnclean { condition })),
    }
}

/// A session's condition. Asking must not panic, and this runs in drops, so a
/// backend that breaks the rule is taken for broken.
#[inline]
pub(crate) fn condition<S: Session>(session: &S) -> Condition {
    panic::catch_unwind(AssertUnwindSafe(|| session.condition()))
        .unwrap_or(Condition::Broken(Fault::Other))
}

/// What an error means, by the session's own account; asking may panic, too.
pub(crate) fn classify<S: Session>(error: &S::Error) -> Fault {
    panic::catch_unwind(AssertUnwindSafe(|| S::classify(error))).unwrap_or(Fault::Other)
}

async fn caught<T>(call: &'static str, work: impl Future<Output = T>) -> Result<T, CallError> {
    let mut work = pin!(work);
    future::poll_fn(|cx| match panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Err(panic) => Poll::Ready(Err(CallError::Panicked { call, message: message(&*panic) })),
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
