//! Every async call, interrupted at each of its awaits in turn: dropped, given no more time,
//! unwound by a panic beside it; left without an answer by the remote end, or met by a panic
//! in there. Whatever it was, the books balance afterwards, one more acquire works, every
//! session is ended once, and listeners were told the truth.

use std::collections::BTreeSet;
use std::future::{self, Future};
use std::pin::Pin;

use super::*;
use sessionpool_core::{Fault, Retry, TxError, TxOptions};
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::{Act, ScriptedError, Verb};

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Call = fn(ScriptedPool) -> Running;

/// What calls what, each with whatever it needs before that. Of the work of each, one row is
/// committed at most.
const CALLS: [(&str, Call); 13] = [
    ("acquire", |pool| Box::pin(acquire(pool))),
    ("acquire, queued", |pool| Box::pin(acquire_queued(pool))),
    ("acquire_with", |pool| Box::pin(acquire_with(pool))),
    ("with", |pool| Box::pin(with(pool))),
    ("transaction", |pool| Box::pin(transaction(pool))),
    ("transaction_in", |pool| Box::pin(transaction_in(pool))),
    ("transaction_with", |pool| Box::pin(transaction_with(pool))),
    ("transaction that fails", |pool| Box::pin(transaction_that_fails(pool))),
    ("unit", |pool| Box::pin(unit(pool))),
    ("release", |pool| Box::pin(release(pool))),
    ("warm_up", |pool| Box::pin(warm_up(pool))),
    ("warm_up_with", |pool| Box::pin(warm_up_with(pool))),
    ("close", |pool| Box::pin(close(pool))),
];

const VERBS: [Verb; 12] = [
    Verb::Open,
    Verb::Check,
    Verb::Release,
    Verb::Close,
    Verb::Abort,
    Verb::Begin,
    Verb::Commit,
    Verb::Rollback,
    Verb::Savepoint,
    Verb::ReleaseSavepoint,
    Verb::RollbackTo,
    Verb::Write,
];

/// Written outside of any transaction.
const OUTSIDE: &str = "outside";

// ===== the calls =====

async fn acquire(pool: ScriptedPool) {
    // Opened for it, then checked for it.
    let _ = pool.acquire().await;
    let _ = pool.acquire().await;
}

async fn acquire_queued(pool: ScriptedPool) {
    let held = (pool.acquire().await, pool.acquire().await);
    let late = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let _ = tokio::join!(pool.acquire(), pool.acquire(), late);
}

async fn acquire_with(pool: ScriptedPool) {
    let report = || AcquireOptions::new().class("report").timeout(secs(3));
    let held = pool.acquire_with(report()).await;
    let late = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let _ = tokio::join!(pool.acquire_with(report()), late);
}

async fn with(pool: ScriptedPool) {
    let _ = pool
        .with(async |lease| {
            lease.write(OUTSIDE).await?;
            lease.set_dirty();
            Ok::<_, Failed>(())
        })
        .await;
}

async fn transaction(pool: ScriptedPool) {
    let _ = pool
        .transaction(async |tx| {
            tx.savepoint(async |tx| {
                tx.write("row").await?;
                Ok::<_, Failed>(())
            })
            .await?;
            let undone = async |tx: &mut sessionpool_core::Tx<ScriptedSession>| {
                tx.write("undone").await?;
                Err::<(), _>(Failed)
            };
            let _ = tx.savepoint(undone).await;
            Ok::<_, Failed>(())
        })
        .await;
}

async fn transaction_in(pool: ScriptedPool) {
    let options = TxOptions::new().acquire(AcquireOptions::new().class("report"));
    let _ = pool.transaction_in(options, async |tx| Ok::<_, Failed>(tx.write("row").await?)).await;
}

async fn transaction_with(pool: ScriptedPool) {
    let retry = Retry::on_conflict(2);
    let _ = pool.transaction_with(retry, async |tx| Ok::<_, Failed>(tx.write("row").await?)).await;
}

async fn transaction_that_fails(pool: ScriptedPool) {
    let _ = pool
        .transaction(async |tx| {
            tx.write("undone").await?;
            Err::<(), _>(Failed)
        })
        .await;
}

async fn unit(pool: ScriptedPool) {
    let mut unit = pool.unit();
    if let Ok(session) = unit.session().await {
        let _ = session.write("row").await;
    }
    let _ = unit.savepoint(async |_| Ok::<_, Failed>(())).await;
    let _ = unit.commit().await;
    if let Ok(session) = unit.session().await {
        let _ = session.write("undone").await;
    }
    let _ = unit.rollback().await;
    if let Ok(session) = unit.session().await {
        let _ = session.write("undone").await;
    }
    let _ = unit.close().await;
}

async fn release(pool: ScriptedPool) {
    let Ok(mut lease) = pool.acquire().await else { return };
    lease.set_dirty();
    let _ = lease.release().await;
}

async fn warm_up(pool: ScriptedPool) {
    pool.warm_up(2).await;
}

async fn warm_up_with(pool: ScriptedPool) {
    let work = async |lease: &mut ScriptedLease| {
        lease.write(OUTSIDE).await?;
        lease.set_dirty();
        Ok::<_, ScriptedError>(())
    };
    pool.warm_up_with(2, work).await;
}

async fn close(pool: ScriptedPool) {
    let (idle, held) = tokio::join!(pool.acquire(), pool.acquire());
    drop(idle);
    let late = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let _ = tokio::join!(pool.close(secs(20)), pool.close(secs(1)), late);
}

#[derive(Debug)]
struct Failed;

impl From<ScriptedError> for Failed {
    fn from(_: ScriptedError) -> Self {
        Self
    }
}

impl From<AcquireError> for Failed {
    fn from(_: AcquireError) -> Self {
        Self
    }
}

impl From<TxError> for Failed {
    fn from(_: TxError) -> Self {
        Self
    }
}

// ===== the interruptions =====

#[derive(Clone, Copy, Debug)]
enum Interruption {
    /// The future is dropped after so many polls.
    Dropped(usize),
    /// Something beside it panics then, and unwinds it.
    Unwound(usize),
    /// The caller gives it so many milliseconds, of which each call takes two.
    TimedOut(usize),
    /// After so many calls of that verb, the remote end answers none.
    Silent(Verb, usize),
    /// Or panics in each.
    Panics(Verb, usize),
}

impl Interruption {
    fn arrange(self, backend: &Scripted, adverse: bool) {
        let usual = match self {
            Self::TimedOut(_) => Act::take(ms(2)),
            _ => Act::yields(1),
        };
        always(backend, &usual);
        if adverse {
            backend.next(Verb::Commit, usual.clone().then_fail(Fault::Conflict));
        }
        let (verb, calls, act) = match self {
            Self::Silent(verb, calls) => (verb, calls, Act::hang()),
            Self::Panics(verb, calls) => (verb, calls, usual.clone().then_panic()),
            _ => return,
        };
        for _ in 0..calls {
            backend.next(verb, usual.clone());
        }
        backend.always(verb, act);
    }

    /// Answers whether the call came to its end.
    async fn interrupt(self, call: Running) -> bool {
        match self {
            Self::Dropped(polls) => cut(call, polls).await.is_some(),
            Self::Unwound(polls) => tokio::spawn(unwind(call, polls)).await.is_ok(),
            Self::TimedOut(millis) => tokio::time::timeout(ms(millis as u64), call).await.is_ok(),
            Self::Silent(..) | Self::Panics(..) => {
                // A panic in a statement of the caller's own goes through; and how long that
                // may take is for the caller to say.
                let mut task = tokio::spawn(call);
                let in_time = tokio::time::timeout(secs(600), &mut task).await.is_ok();
                assert!(in_time || matches!(self, Self::Silent(Verb::Write, _)), "waits for ever");
                task.abort();
                false
            }
        }
    }
}

/// Has every call of the remote end do so.
fn always(backend: &Scripted, act: &Act) {
    for verb in VERBS {
        backend.always(verb, act.clone());
    }
}

/// Panics when it would be polled once more than so many times.
async fn unwind(mut call: Running, polls: usize) {
    let mut left = polls;
    future::poll_fn(move |cx| {
        assert!(left > 0, "unwinds");
        left -= 1;
        call.as_mut().poll(cx)
    })
    .await
}

// ===== the sweep =====

/// Interrupts that call, and checks what is left; in `adverse` circumstances there are hooks,
/// and the first transaction to be committed loses against another one. Answers whether the
/// call came to its end.
async fn survives(call: Call, interruption: Interruption, adverse: bool) -> bool {
    let (backend, builder) = scripted(2);
    let builder = builder.limit("report", 1).check_after_idle(Duration::ZERO);
    let builder = match adverse {
        true => builder
            .after_open(|session| Box::pin(async move { session.write(OUTSIDE).await }))
            .before_close(|session| Box::pin(async move { session.write(OUTSIDE).await })),
        false => builder,
    };
    let pool = builder.build().unwrap();
    interruption.arrange(&backend, adverse);
    let finished = interruption.interrupt(call(pool.clone())).await;

    // Whatever goes on in the background has its time limits.
    tokio::time::sleep(secs(300)).await;
    let status = pool.status();
    balanced(&status);
    assert_eq!((status.leased, status.waiters), (0, 0), "{status:?}");
    assert!(pool.classes().iter().all(|class| class.leased == 0));
    let mut rows = backend.committed();
    rows.retain(|row| row != OUTSIDE);
    assert!(rows.is_empty() || rows == ["row"], "{rows:?}");

    always(&backend, &Act::succeed());
    match pool.acquire().await {
        Ok(lease) => drop(lease),
        Err(error) => assert!(pool.is_closed(), "{error}"),
    }
    end(&backend, &pool).await;
    finished
}

async fn survives_all(adverse: bool, interruptions: impl Fn(usize) -> Interruption) {
    for (name, call) in CALLS {
        let mut times = 0;
        while !survives(call, interruptions(times), adverse).await {
            times += 1;
            assert!(times < 1_000, "{name} does not come to its end");
        }
        println!("{name}: {times} times");
        assert!(times > 2, "{name} has more awaits than that");
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_may_be_dropped_at_each_await() {
    for adverse in [false, true] {
        survives_all(adverse, Interruption::Dropped).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_may_be_unwound_at_each_await() {
    for adverse in [false, true] {
        survives_all(adverse, Interruption::Unwound).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_may_run_out_of_time_at_each_await() {
    for adverse in [false, true] {
        survives_all(adverse, Interruption::TimedOut).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_survives_a_remote_end_that_falls_silent() {
    survives_the_remote_end(Interruption::Silent).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_survives_a_panic_in_whatever_it_calls() {
    survives_the_remote_end(Interruption::Panics).await;
}

async fn survives_the_remote_end(interruption: fn(Verb, usize) -> Interruption) {
    let mut reached = BTreeSet::new();
    for (name, call) in CALLS {
        for verb in VERBS {
            for calls in 0..3 {
                for adverse in [false, true] {
                    println!("{name}: {:?}, adverse: {adverse}", interruption(verb, calls));
                    survives(call, interruption(verb, calls), adverse).await;
                    reached.insert((name, verb));
                }
            }
        }
    }
    assert_eq!(reached.len(), CALLS.len() * VERBS.len());
}
