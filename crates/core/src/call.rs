//! Calls into a backend as the pool makes them: bounded in time, panics caught.
//!
//! For whoever drives sessions without a [`Pool`](crate::Pool): an adapter to another
//! pool, a tool that opens one session and ends it. None of these panics, whatever the
//! backend does; but a program built with `panic = "abort"` ends where a backend panics.

use std::any::Any;
use std::future::{self, Future};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time;

use crate::error::{CallError, Cause};
use crate::pool::clock;
use crate::{Condition, Fault, Session};

/// Why a call did not answer with what it was asked for.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a call answers, or it does not")]
pub enum CallFailure<E> {
    /// It answered an error.
    Answered(E),
    /// It did not answer.
    Silent(CallError),
}

impl<E: std::error::Error + Send + Sync + 'static> CallFailure<E> {
    /// As the cause of another error.
    #[must_use]
    pub fn into_cause(self) -> Cause {
        match self {
            Self::Answered(error) => Arc::new(error),
            Self::Silent(error) => Arc::new(error),
        }
    }
}

impl<E> CallFailure<E> {
    /// What it means; a call that was not answered left everything in doubt.
    #[must_use]
    pub fn fault<S: Session<Error = E>>(&self) -> Fault {
        match self {
            Self::Answered(error) => classify::<S>(error),
            Self::Silent(_) => Fault::Other,
        }
    }
}

/// True if calls made here are bounded: there is a tokio runtime, with a time driver.
#[must_use]
pub fn is_bounded_here() -> bool {
    clock::is_here()
}

/// Awaits `work` for at most `limit`, and takes a panic for an answer. `call` says in the
/// error what was being done: `"opening a session"`.
///
/// Where calls are not [bounded](is_bounded_here), the work is awaited as it is: whoever
/// drives a session without a runtime has limits of his own.
///
/// # Errors
///
/// [`CallError::TimedOut`] and [`CallError::Panicked`].
///
/// # Cancel safety
///
/// That of `work`, which is dropped with it, and at the end of its time.
pub async fn bounded<T>(
    call: &'static str,
    limit: Duration,
    work: impl Future<Output = T> + Send,
) -> Result<T, CallError> {
    let work = caught(call, work);
    if !is_bounded_here() {
        return work.await;
    }
    match time::timeout(limit, work).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::TimedOut { call, limit }),
    }
}

/// [`bounded`], for calls that answer a `Result`.
///
/// # Errors
///
/// What `work` answered, or that it did not.
///
/// # Cancel safety
///
/// As for [`bounded`].
pub async fn try_bounded<T, E>(
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

/// [Releases](Session::release) a session, and sees to it that it is clean after that.
///
/// # Errors
///
/// The session was not made fit for the next borrower, and is to be ended:
/// [`CallError::LeftUnclean`] where it said that it was.
///
/// # Cancel safety
///
/// The session is `Busy` or `Broken` when the future is dropped half way.
pub async fn clean<S: Session>(
    session: &mut S,
    limit: Duration,
) -> Result<(), CallFailure<S::Error>> {
    try_bounded("cleaning a session", limit, async { S::release(session).await }).await?;
    match condition(session) {
        Condition::Clean => Ok(()),
        condition => Err(CallFailure::Silent(CallError::LeftUnclean { condition })),
    }
}

/// Ends a session within `limit`; dropped half way, or late, it ends as by [`abort`].
///
/// # Errors
///
/// The remote end did not confirm.
///
/// # Cancel safety
///
/// The session is ended on this side in any case.
pub fn close<S: Session>(
    session: S,
    limit: Duration,
) -> impl Future<Output = Result<(), CallFailure<S::Error>>> + Send {
    const CALL: &str = "closing a session";
    // Made here: the session's own future ends it when it is dropped unpolled.
    let closing = panic::catch_unwind(AssertUnwindSafe(|| S::close(session)));
    async move {
        match closing {
            Ok(closing) => try_bounded(CALL, limit, closing).await,
            Err(panic) => Err(CallFailure::Silent(panicked(CALL, &*panic))),
        }
    }
}

/// Ends a session on this side. It must not panic, and this runs in drops, so a backend
/// that breaks the rule is not let through.
pub fn abort<S: Session>(session: S) {
    let _ = panic::catch_unwind(AssertUnwindSafe(|| S::abort(session)));
}

/// A session's condition. Asking must not panic, and this runs in drops, so a session
/// that breaks the rule is taken for broken.
#[inline]
#[must_use]
pub fn condition<S: Session>(session: &S) -> Condition {
    panic::catch_unwind(AssertUnwindSafe(|| session.condition()))
        .unwrap_or(Condition::Broken(Fault::Other))
}

/// How long the remote end lets a session lie idle, by its own account; asking must not
/// panic, either.
#[must_use]
pub fn idle_limit<S: Session>(session: &S) -> Option<Duration> {
    let limit = panic::catch_unwind(AssertUnwindSafe(|| session.idle_limit())).ok().flatten();
    limit.filter(|limit| !limit.is_zero())
}

/// What an error means, by the session's own account; asking must not panic, either.
#[must_use]
pub fn classify<S: Session>(error: &S::Error) -> Fault {
    panic::catch_unwind(AssertUnwindSafe(|| S::classify(error))).unwrap_or(Fault::Other)
}

async fn caught<T>(call: &'static str, work: impl Future<Output = T>) -> Result<T, CallError> {
    let mut work = pin!(work);
    future::poll_fn(|cx| match panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Err(panic) => Poll::Ready(Err(panicked(call, &*panic))),
    })
    .await
}

fn panicked(call: &'static str, panic: &(dyn Any + Send)) -> CallError {
    CallError::Panicked { call, message: message(panic) }
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
