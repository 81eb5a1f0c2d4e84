//! A manager in our pool: when it is called, with what, and what its answers do.
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../common/mod.rs"]
mod common;
mod creating;
mod ending;
mod hooks;
mod recycling;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadpool::managed::{Hook, HookError};
use sessionpool_core::{
    AcquireError, Backend, Condition, Fault, Lease, Pool, ReleaseError, Session,
};
use sessionpool_deadpool::{DeadpoolError, DeadpoolSession, FromDeadpool, IntoDeadpool};
use sessionpool_testkit::conformance::cut;

use common::{Act, Exchange, Trouble};

const AWHILE: Duration = Duration::from_secs(5);

type Calls = DeadpoolSession<Exchange>;

fn pool(exchange: &Exchange) -> Pool<Calls> {
    Pool::builder(FromDeadpool::new(exchange.clone())).max_size(1).build().unwrap()
}

/// Borrows a session and uses it.
async fn used(pool: &Pool<Calls>) -> Lease<Calls> {
    let mut lease = pool.acquire().await.unwrap();
    lease.ask(1).await.unwrap();
    lease
}

async fn close(pool: &Pool<Calls>, exchange: &Exchange) {
    let report = pool.close(AWHILE).await;
    assert!(report.is_complete(), "{report}");
    exchange.assert_all_ended();
}
