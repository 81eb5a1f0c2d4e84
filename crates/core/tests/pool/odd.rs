//! Backends that break their contract: the pool holds all the same.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

use super::*;
use sessionpool_core::{Backend, CallError, Condition, Fault, ReleaseError, Session, call};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Oddity {
    ClassifyPanics,
    ConditionPanics,
    AbortPanics,
    ReleaseLies,
    ReleasePanicsAtOnce,
    OpensDirty,
    ErrorsAskThePool,
}

struct Odd(Oddity);

struct OddSession(Oddity);

#[derive(Debug)]
struct OddError(Oddity);

static ASKED: OnceLock<Pool<OddSession>> = OnceLock::new();

impl fmt::Display for OddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

impl StdError for OddError {}

impl Drop for OddError {
    fn drop(&mut self) {
        if let (Oddity::ErrorsAskThePool, Some(pool)) = (self.0, ASKED.get()) {
            let _ = pool.status(); // would hang if it was dropped under the lock
        }
    }
}

impl Backend for Odd {
    type Session = OddSession;

    async fn open(&self) -> Result<OddSession, OddError> {
        match self.0 {
            Oddity::ClassifyPanics | Oddity::ErrorsAskThePool => Err(OddError(self.0)),
            oddity => Ok(OddSession(oddity)),
        }
    }

    async fn check(&self, _: &mut OddSession) -> Result<(), OddError> {
        Ok(())
    }
}

impl Session for OddSession {
    type Error = OddError;

    fn condition(&self) -> Condition {
        match self.0 {
            Oddity::ConditionPanics => panic!("in condition"),
            Oddity::ReleaseLies if tokio::task::try_id().is_none() => Condition::Dirty,
            Oddity::OpensDirty | Oddity::ReleasePanicsAtOnce => Condition::Dirty,
            _ => Condition::Clean,
        }
    }

    fn classify(error: &OddError) -> Fault {
        if error.0 == Oddity::ClassifyPanics { panic!("in classify") } else { Fault::Rejected }
    }

    fn release(this: &mut Self) -> impl Future<Output = Result<(), OddError>> + Send {
        if this.0 == Oddity::ReleasePanicsAtOnce {
            panic!("before the future");
        }
        async { Ok(()) }
    }

    async fn close(_: Self) -> Result<(), OddError> {
        Ok(())
    }

    fn abort(this: Self) {
        if this.0 == Oddity::AbortPanics {
            panic!("in abort");
        }
    }
}

fn pool(oddity: Oddity) -> Pool<OddSession> {
    Pool::builder(Odd(oddity)).max_size(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_classify_is_told_and_frees_the_place() {
    let pool = pool(Oddity::ClassifyPanics);
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Other, .. }), "{error}");
    assert_eq!(pool.status().size(), 0);
    balanced(&pool.status());
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_condition_counts_as_broken() {
    let pool = pool(Oddity::ConditionPanics);
    let error = pool.acquire().await.unwrap_err(); // not even clean when opened
    assert!(StdError::source(&error).unwrap().to_string().contains("not clean"), "{error}");
    assert_eq!(pool.status().size(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_opened_dirty_is_ended_and_not_lent() {
    let pool = pool(Oddity::OpensDirty);
    let error = pool.acquire().await.unwrap_err();
    let cause = StdError::source(&error).unwrap().downcast_ref::<CallError>().unwrap();
    assert!(matches!(cause, CallError::OpenedUnclean { condition: Condition::Dirty, .. }));
    assert_eq!(pool.status().size(), 0);
}

#[test]
fn a_panic_in_abort_reaches_nobody() {
    let pool = pool(Oddity::AbortPanics);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lease = runtime.block_on(pool.acquire()).unwrap();
    drop(runtime.block_on(async { tokio::spawn(async {}).await }));
    drop(runtime);
    drop(lease);
    assert_eq!((pool.status().size(), pool.status().counters.closed.runtime_lost), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_left_the_session_dirty_is_told() {
    // Its condition is dirty outside of spawned tasks, as here, and clean within.
    let pool = pool(Oddity::ReleaseLies);
    let error = pool.acquire().await.unwrap().release().await.unwrap_err();
    let ReleaseError::Failed { cause, .. } = &error else { panic!("{error}") };
    assert!(matches!(cause.downcast_ref(), Some(CallError::LeftUnclean { .. })), "{cause}");
    quiet().await;
    assert_eq!((pool.status().size(), pool.status().counters.closed.unclean), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_never_dropped_under_the_lock() {
    let pool = pool(Oddity::ErrorsAskThePool);
    let pool = ASKED.get_or_init(|| pool);
    let mut waiting = Box::pin(pool.acquire());
    std::future::poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    tokio::time::sleep(secs(2)).await; // told, and not looked at
    assert!(pool.acquire().await.is_err()); // a later failure is the last one now
    drop(waiting); // the first failure's only owner
    tokio::time::sleep(secs(120)).await;
    assert!(pool.acquire().await.is_err()); // and the pool was the second's
    assert_eq!(pool.status().counters.open_failed, 3);
    balanced(&pool.status());
}

#[tokio::test]
async fn a_call_that_panics_before_its_future_is_told_like_any_other() {
    let mut session = OddSession(Oddity::ReleasePanicsAtOnce);
    let failure = call::clean(&mut session, secs(1)).await.unwrap_err();
    let cause = failure.into_cause().to_string();
    assert_eq!(cause, "cleaning a session panicked: before the future");
}
