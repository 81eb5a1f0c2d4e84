//! A backend of ours in deadpool's own pool: every session is fit when it is lent, and
//! ended once when deadpool drops it.
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../common/mod.rs"]
mod common;
mod ending;
mod lending;
mod untidy;

use std::thread;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, RetainResult, TimeoutType};
use sessionpool_core::{Backend, Condition, EndsByItself, Fault, Session, SessionError};
use sessionpool_deadpool::{Guarded, IntoDeadpool};
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::{Act, Scripted, ScriptedError, Verb};
use tokio::runtime;

use common::Ours;

const LIMIT: Duration = Duration::from_secs(5);

type Manager = IntoDeadpool<Ours>;

fn manager(backend: &Scripted) -> Manager {
    IntoDeadpool::new(Ours(backend.clone()))
}

fn pool(backend: &Scripted, max_size: usize) -> Pool<Manager> {
    Pool::builder(manager(backend)).max_size(max_size).runtime(Runtime::Tokio1).build().unwrap()
}

/// So many sessions, lent at once.
async fn lent(pool: &Pool<Manager>, sessions: usize) -> Vec<Object<Manager>> {
    let mut lent = Vec::new();
    for _ in 0..sessions {
        lent.push(pool.get().await.unwrap());
    }
    lent
}

async fn close(pool: &Pool<Manager>, backend: &Scripted) {
    pool.close();
    pool.manager().drained().await;
    backend.assert_all_ended();
}

fn a_runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_time().build().unwrap()
}
