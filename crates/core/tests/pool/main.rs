//! The pool's rules, each proved over the scripted backend on a paused clock.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

mod acquire;
mod attaching;
mod checking;
mod classes;
mod cleaning;
mod closing;
mod control;
mod crowds;
mod diagnosis;
mod dropping;
mod erased;
mod events;
mod expiry;
mod extensions;
mod hooks;
mod lifetime;
mod odd;
mod opening;
mod outage;
mod outlived;
mod queue;
mod recall;
mod recorder;
mod retry;
mod runtimes;
mod savepoints;
mod settings;
mod sweep;
mod units;
mod warming;
mod weak;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{AcquireError, AcquireOptions, Lease, Pool, PoolBuilder, Status};
use sessionpool_testkit::{Scripted, ScriptedSession};
use tokio::task::JoinHandle;

use recorder::Recorder;

type ScriptedPool = Pool<ScriptedSession>;
type ScriptedLease = Lease<ScriptedSession>;
type Acquired = Result<ScriptedLease, AcquireError>;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

thread_local! {
    /// What the pools of a test's backends have told.
    static TOLD: RefCell<Vec<(usize, Arc<Recorder>)>> = const { RefCell::new(Vec::new()) };
}

/// A backend that fails the test when more than `size` sessions live, and a pool
/// of that size over it.
fn scripted(size: usize) -> (Scripted, PoolBuilder<ScriptedSession>) {
    let backend = Scripted::new().at_most(size);
    let recorder = Arc::new(Recorder::default());
    let builder = Pool::builder(backend.clone()).max_size(size).events(recorder.clone());
    TOLD.with_borrow_mut(|told| told.push((backend.id(), recorder)));
    (backend, builder)
}

/// What the pool over this backend has told.
fn told(backend: &Scripted) -> Option<Arc<Recorder>> {
    TOLD.with_borrow(|told| {
        let of_it = told.iter().rev().find(|(id, _)| *id == backend.id());
        of_it.map(|(_, recorder)| Arc::clone(recorder))
    })
}

/// Queues an acquire in a task of its own, and returns once it stands in line.
async fn waiter(pool: &ScriptedPool) -> JoinHandle<Acquired> {
    waiter_with(pool, AcquireOptions::new()).await
}

async fn waiter_with(pool: &ScriptedPool, options: AcquireOptions) -> JoinHandle<Acquired> {
    let before = pool.status().counters.requested;
    let task = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire_with(options).await }
    });
    while pool.status().counters.requested == before {
        tokio::task::yield_now().await;
    }
    task
}

/// Lets everything that can run now run, without moving the clock.
async fn quiet() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Checks what must hold at every instant.
fn balanced(status: &Status) {
    assert!(status.size() <= status.max_size && status.is_balanced(), "{status:?}");
}

/// Closes the pool and checks that every session was ended, once, and that listeners
/// were told the truth.
async fn end(backend: &Scripted, pool: &ScriptedPool) {
    let report = pool.close(secs(60)).await;
    assert!(report.still_out.is_empty() && report.in_progress == 0, "{report}");
    balanced(&pool.status());
    backend.assert_all_ended();
    if let Some(recorder) = told(backend) {
        recorder.check(&pool.status()).await;
    }
}
