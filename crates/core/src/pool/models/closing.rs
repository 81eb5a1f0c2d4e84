//! Closing, against everything.

use loom::future::block_on;
use loom::thread;
use tokio::time::Instant;

use super::{LATER, Scene, failure, join, one, prove, run, served_or_closed, sit, sit_out_of_time};
use crate::TryAcquireError;
use crate::pool::draft::Draft;
use crate::pool::places::Tally;
use crate::sync::Arc;

#[test]
fn close_against_acquire_and_return() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let pool = scene.pool.clone();
        let waiting = thread::spawn(move || served_or_closed(&block_on(pool.acquire())));
        let returning = thread::spawn(move || drop(lease));
        scene.shared.close();
        join(waiting);
        join(returning);
        assert!(matches!(scene.pool.try_acquire(), Err(TryAcquireError::Closed)));
        scene.finish();
    });
}

#[test]
fn close_against_opening() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_closed(&block_on(waiter)));
        scene.shared.close();
        join(opening);
        join(waiting);
        scene.finish();
    });
}

/// Leased, returned, being ended: whoever closes is woken when the last is gone,
/// and the janitor leaves.
#[test]
fn close_waits_for_the_last_session() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let shared = Arc::clone(&scene.shared);
        let janitor = thread::spawn(move || sit(&shared));
        let pool = scene.pool.clone();
        let returning = thread::spawn(move || {
            drop(lease);
            block_on(pool.drained());
        });
        scene.shared.close();
        block_on(scene.pool.drained());
        assert_eq!(scene.tally(), (Tally::default(), 0));
        join(returning);
        join(janitor);
        scene.finish();
    });
}

/// It sits only because there is a stock to fill, later.
#[test]
fn the_janitor_of_a_closed_pool_holds_back_no_longer() {
    prove(|| {
        let scene = Scene::new(Draft { min_idle: 1, ..one() });
        scene.shared.open_failed(scene.errand().place, &failure(LATER, Instant::now()));
        let shared = Arc::clone(&scene.shared);
        let janitor = thread::spawn(move || sit_out_of_time(&shared));
        scene.shared.close();
        join(janitor);
        scene.finish();
    });
}
