//! Openings: one for whoever needs it, and what becomes of those that fail.

use loom::future::block_on;
use loom::thread;
use tokio::time::Instant;

use super::{
    BROKEN, LATER, Scene, at_once, failure, far_future, join, one, prove, rejected, rounds, run,
    sit, sit_out_of_time, sit_until, two,
};
use crate::Fault;
use crate::pool::ledger::Errand;
use crate::pool::places::Tally;
use crate::pool::settings::Draft;
use crate::sync::Arc;

#[test]
fn an_opened_and_a_returned_session_serve_two_waiters() {
    prove(|| {
        let scene = Scene::new(two());
        let lease = scene.lease();
        let (first, second) = (scene.waiter(), scene.waiter());
        let errand = scene.errand();
        let returning = thread::spawn(move || drop(lease));
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let leases = [first, second].map(|waiter| block_on(waiter).expect("a session"));
        assert_ne!(leases[0].number, leases[1].number);
        join(returning);
        join(opening);
        drop(leases);
        assert_eq!(scene.tally(), (Tally::default(), 2));
        scene.finish();
    });
}

/// The janitor sleeps: there is a session, but it is lent.
#[test]
fn a_newcomer_has_a_session_opened() {
    prove(|| {
        let scene = Scene::new(two());
        let lease = scene.lease();
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || {
            drop(block_on(pool.acquire()).expect("a session"));
            drop(lease);
        });
        sit(&shared);
        join(waiting);
        remote.check();
    });
}

/// One opening at a time, and two who wait.
#[test]
fn an_opening_is_followed_by_the_next() {
    prove(|| {
        let scene = Scene::new(Draft { max_connecting: 1, ..two() });
        let waiters = [scene.waiter(), scene.waiter()];
        let errand = scene.errand();
        let Scene { pool, shared, remote } = scene;
        let opening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, errand)
        });
        let waiting = thread::spawn(move || {
            drop(waiters.map(|waiter| block_on(waiter).expect("a session")));
            drop(pool);
        });
        sit(&shared);
        join(opening);
        join(waiting);
        remote.check();
    });
}

/// The place of a broken session; the other one is lent for long.
#[test]
fn a_place_that_gets_free_is_taken_for_whoever_waits() {
    prove(|| {
        let scene = Scene::new(two());
        let mut broken = scene.lease();
        broken.condition = BROKEN;
        let other = scene.lease();
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(broken));
        let waiting = thread::spawn(move || {
            drop(block_on(pool.acquire()).expect("a session"));
            drop(other);
        });
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check();
    });
}

#[test]
fn a_session_lent_from_stock_is_replaced() {
    prove(|| {
        let scene = Scene::new(Draft { min_idle: 1, ..two() });
        rounds(&scene.shared);
        let pool = scene.pool.clone();
        let borrowing = thread::spawn(move || block_on(pool.acquire()).expect("a session"));
        let replaced = (Tally { leased: 1, ..Tally::default() }, 1);
        sit_until(&scene.shared, |_| scene.tally() == replaced);
        drop(borrowing.join().expect("a lease"));
        scene.finish();
    });
}

#[test]
fn a_failed_opening_is_followed_by_another() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let Errand { place, .. } = scene.errand();
        let Scene { pool, shared, remote } = scene;
        let opening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.open_failed(place, &failure(LATER, Instant::now()))
        });
        let waiting = thread::spawn(move || {
            drop(block_on(waiter).expect("a session"));
            drop(pool);
        });
        sit(&shared);
        join(opening);
        join(waiting);
        remote.check();
    });
}

#[test]
fn a_rejection_reaches_whoever_waits_and_whoever_comes() {
    prove(|| {
        let scene = Scene::new(one());
        let first = scene.waiter();
        let Errand { place, .. } = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || {
            shared.open_failed(place, &failure(Fault::Rejected, far_future()))
        });
        let pool = scene.pool.clone();
        let newcomer = thread::spawn(move || rejected(&block_on(pool.acquire())));
        rejected(&block_on(first));
        join(opening);
        join(newcomer);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// The remote end said that it had no room, and got some before the pool had heard that.
#[test]
fn room_that_came_during_an_opening_is_not_missed() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let Errand { place, .. } = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening =
            thread::spawn(move || shared.open_failed(place, &failure(LATER, Instant::now())));
        let shared = Arc::clone(&scene.shared);
        let making_room = thread::spawn(move || shared.open_again());
        join(opening);
        join(making_room);
        run(&scene.shared, scene.errand());
        drop(at_once(waiter).expect("a session"));
        scene.finish();
    });
}

/// It waits to be closed until that is over, however it ends.
#[test]
fn a_worn_session_waits_for_its_successor_and_no_longer() {
    prove(|| {
        let scene = Scene::new(Draft { max_uses: Some(2), ..two() });
        let old = scene.lease(); // for the second time
        let waiter = scene.waiter();
        let Errand { place, .. } = scene.errand();
        drop(waiter);
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop((old, pool)));
        let opening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.open_failed(place, &failure(Fault::Transient, Instant::now()))
        });
        sit_out_of_time(&shared);
        join(returning);
        join(opening);
        remote.check();
    });
}
