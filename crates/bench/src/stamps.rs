//! How the pool times long waits here.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Instant;

use crate::peer::Peer;
use crate::peers::Sessionpool;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// Enough that one is asked for in the middle of a tick.
const WAITS: usize = 100;

/// True if they begin with a coarse stamp, as in a service: tokio's clock cannot be paused.
/// Then some began before they were asked for.
pub(crate) fn are_coarse() -> bool {
    let runtime = Flavor::ONE_THREAD[0].build();
    let _inside = runtime.enter();
    let pool = Sessionpool::build(Remote::new(), 1);
    let _held = runtime.block_on(pool.acquire()).expect("a session that opens at once");
    (0..WAITS).any(|_| {
        let asked = Instant::now();
        let mut waiter = pin!(pool.acquire());
        let served = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!served, "the only session is lent");
        pool.longest_wait().is_some_and(|waited| waited > asked.elapsed())
    })
}
