//! Openings: one for whoever needs it, and what becomes of those that fail.

use std::sync::Arc as StdArc;

use loom::future::block_on;
use loom::thread;
use tokio::time::Instant;

use super::{
    BROKEN, LATER, Scene, at_once, failure, far_future, join, one, prove, rejected, rounds, run,
    sit, sit_until, two, wait_to_be_called,
};
use crate::Fault;
use crate::pool::draft::Draft;
use crate::pool::ledger::{Errand, Work};
use crate::pool::places::Tally;
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

/// It is closed when that opening is over, and not before, whatever came first.
#[test]
fn an_old_session_waits_for_its_successor() {
    prove(|| {
        let scene = Scene::new(two());
        let old = scene.lease();
        scene.grow_old();
        let waiter = scene.waiter();
        let errand = scene.errand();
        let returning = thread::spawn(move || drop(old));
        let (shared, remote) = (Arc::clone(&scene.shared), StdArc::clone(&scene.remote));
        let opening = thread::spawn(move || {
            assert_eq!(remote.ended(), 0, "the opening is under way");
            run(&shared, errand);
        });
        sit_until(&scene.shared, |_| scene.remote.ended() == 1);
        join(returning);
        join(opening);
        drop(at_once(waiter).expect("a session"));
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

/// There is one opening at a time, and the next follows at once, and hangs.
#[test]
fn an_old_session_waits_for_no_second_opening() {
    prove(|| {
        let scene = Scene::new(Draft { max_size: 3, max_connecting: 1, ..two() });
        let old = scene.lease();
        scene.grow_old();
        let waiters = [scene.waiter(), scene.waiter()];
        let errand = scene.errand();
        drop(old);
        assert!(scene.shared.round().0.errands.is_empty());
        scene.janitor_waits();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let mut hangs = None;
        while scene.remote.ended() == 0 || hangs.is_none() {
            wait_to_be_called(&scene.shared);
            for errand in scene.shared.round().0.errands {
                match errand.work {
                    Work::Open => hangs = Some(errand),
                    _ => run(&scene.shared, errand),
                }
            }
        }
        join(opening);
        run(&scene.shared, hangs.expect("the next opening"));
        drop(waiters.map(|waiter| at_once(waiter).expect("a session")));
        scene.finish();
    });
}
