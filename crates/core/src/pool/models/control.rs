//! Pausing, flushing and resizing, while others come and go.

use loom::future::block_on;
use loom::thread;

use super::{Scene, join, one, prove, rounds, run, sit, two};
use crate::pool::places::Tally;
use crate::sync::Arc;
use crate::{AcquireError, Pause, TryAcquireError};

#[test]
fn resume_against_return() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        scene.pool.pause(Pause::Wait);
        let returning = thread::spawn(move || drop(lease));
        let pool = scene.pool.clone();
        let resuming = thread::spawn(move || pool.resume());
        drop(block_on(waiter).expect("a session"));
        join(returning);
        join(resuming);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_paused_pool_serves_nobody() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let returning = thread::spawn(move || drop(lease));
        scene.pool.pause(Pause::Wait);
        let served = scene.pool.status().counters.acquired;
        join(returning);
        assert_eq!(scene.pool.status().counters.acquired, served);
        scene.pool.resume();
        drop(block_on(waiter).expect("a session"));
        scene.finish();
    });
}

/// Who waits is told; what comes back stays.
#[test]
fn pause_against_acquire_and_return() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let pool = scene.pool.clone();
        let waiting = thread::spawn(move || {
            let answer = block_on(pool.acquire());
            assert!(matches!(answer, Ok(_) | Err(AcquireError::Paused)), "{answer:?}");
        });
        let returning = thread::spawn(move || drop(lease));
        scene.pool.pause(Pause::Fail);
        assert!(scene.pool.try_acquire().is_err());
        join(waiting);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

/// Whether idle, lent or on its way when the pool was flushed.
#[test]
fn nothing_from_before_a_flush_is_lent_after_it() {
    prove(|| {
        let scene = Scene::new(two());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let errand = scene.errand();
        drop(waiter);
        let returning = thread::spawn(move || drop(lease));
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        scene.pool.flush();
        assert!(matches!(scene.pool.try_acquire(), Err(TryAcquireError::NoneIdle)));
        join(returning);
        join(opening);
        assert!(matches!(scene.pool.try_acquire(), Err(TryAcquireError::NoneIdle)));
        scene.finish();
    });
}

#[test]
fn flush_against_acquire_and_return() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn({
            let pool = pool.clone();
            move || {
                drop(block_on(waiter).expect("a session"));
                drop(pool);
            }
        });
        pool.flush();
        drop(pool);
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check();
    });
}

#[test]
fn a_pool_that_grows_serves_whoever_waits() {
    prove(|| {
        let scene = Scene::new(two());
        scene.pool.resize(1).expect("a valid size");
        let lease = scene.lease();
        let Scene { pool, shared, remote } = scene;
        let growing = thread::spawn({
            let pool = pool.clone();
            move || pool.resize(2).expect("a valid size")
        });
        let waiting = thread::spawn(move || {
            drop(block_on(pool.acquire()).expect("a session"));
            drop(lease);
        });
        sit(&shared);
        join(growing);
        join(waiting);
        remote.check();
    });
}

/// Whichever comes back first is the one too many.
#[test]
fn a_pool_that_shrinks_ends_what_is_too_many() {
    prove(|| {
        let scene = Scene::new(two());
        let returning = [scene.lease(), scene.lease()].map(|lease| thread::spawn(|| drop(lease)));
        scene.pool.resize(1).expect("a valid size");
        returning.into_iter().for_each(join);
        rounds(&scene.shared);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

/// Even while somebody waits.
#[test]
fn a_pool_that_shrank_serves_nobody_beyond_its_size() {
    prove(|| {
        let scene = Scene::new(two());
        let (first, second) = (scene.lease(), scene.lease());
        let waiter = scene.waiter();
        let returning = thread::spawn(move || drop(first));
        scene.pool.resize(1).expect("a valid size");
        let served = scene.pool.status().counters.acquired;
        join(returning);
        assert_eq!(scene.pool.status().counters.acquired, served);
        drop(second);
        drop(block_on(waiter).expect("a session"));
        rounds(&scene.shared);
        scene.finish();
    });
}
