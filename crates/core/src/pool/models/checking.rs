//! Checks of what has been idle for long.

use std::sync::atomic::Ordering;

use loom::future::block_on;
use loom::thread;

use super::{
    HOUR, Scene, Token, Waiter, at_once, far_future, join, one, prove, run, served_or_closed,
    served_or_told, sit, sit_out_of_time, two,
};
use crate::pool::draft::Draft;
use crate::pool::ledger::Errand;
use crate::pool::parcel::Parcel;
use crate::pool::places::Tally;
use crate::pool::shared::Shared;
use crate::sync::Arc;

#[test]
fn the_janitor_is_called_for_a_check() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        scene.check_from_now_on();
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")));
        sit(&shared);
        join(waiting);
        remote.check();
    });
}

/// An opening may take long, or fail: nobody waits for it while a session is idle.
#[test]
fn an_opening_under_way_keeps_nobody_from_what_is_idle() {
    prove(|| {
        let scene = Scene::new(two());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let opening = scene.errand();
        drop(lease);
        drop(at_once(waiter).expect("a session"));
        scene.check_from_now_on();
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                drop(block_on(pool.acquire()).expect("a session"));
                run(&shared, opening);
            }
        });
        sit(&shared);
        join(waiting);
        remote.check();
    });
}

/// It is checked for whoever waits, not for the one who came first.
#[test]
fn a_checked_session_is_not_lost_with_its_waiter() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        scene.check_from_now_on();
        let (first, second) = (scene.waiter(), scene.waiter());
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let checking = thread::spawn(move || run(&shared, errand));
        let cancelling = thread::spawn(move || drop(first));
        drop(block_on(second).expect("a session"));
        join(checking);
        join(cancelling);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_checked_and_a_returned_session_serve_two_waiters() {
    prove(|| {
        let scene = Scene::new(two());
        let (idle, lease) = (scene.lease(), scene.lease());
        drop(idle);
        scene.check_from_now_on();
        let (first, second) = (scene.waiter(), scene.waiter());
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let checking = thread::spawn(move || run(&shared, errand));
        let returning = thread::spawn(move || drop(lease));
        drop([first, second].map(|waiter| block_on(waiter).expect("a session")));
        join(checking);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 2));
        scene.finish();
    });
}

#[test]
fn a_session_found_dead_is_replaced_for_whoever_waits() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        serve_though_a_check_fails(scene);
    });
}

/// Nobody waits while a session is idle that may be fit.
#[test]
fn a_dead_session_is_followed_by_the_next_in_stock() {
    prove(|| {
        let scene = Scene::new(two());
        drop([scene.lease(), scene.lease()]);
        serve_though_a_check_fails(scene);
    });
}

/// A session may be kept alive while somebody wants it.
#[test]
fn a_session_that_is_kept_alive_serves_whoever_comes_meanwhile() {
    prove(|| {
        let scene = Scene::new(Draft { keepalive_interval: Some(HOUR), ..one() });
        drop(scene.lease());
        let errand = keepalive(&scene);
        let (pool, shared) = (scene.pool.clone(), Arc::clone(&scene.shared));
        let checking = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")));
        join(checking);
        join(waiting);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_session_kept_alive_in_vain_is_replaced_for_whoever_came_meanwhile() {
    prove(|| {
        let scene = Scene::new(Draft { keepalive_interval: Some(HOUR), ..one() });
        drop(scene.lease());
        let errand = keepalive(&scene);
        let waiter = scene.waiter();
        // Time that passes brings the next keepalive, and the next.
        serve_though_it_fails(scene, errand, waiter, sit_out_of_time);
    });
}

/// The check of a session that has been silent for long.
fn keepalive(scene: &Scene) -> Errand<Parcel<Token>> {
    let round = scene.shared.ledger(|ledger, aftermath| ledger.round(far_future(), aftermath));
    scene.janitor_waits();
    round.errands.into_iter().next().expect("a check")
}

fn serve_though_a_check_fails(scene: Scene) {
    scene.check_from_now_on();
    let waiter = scene.waiter();
    let errand = scene.errand();
    serve_though_it_fails(scene, errand, waiter, sit);
}

fn serve_though_it_fails(
    scene: Scene,
    errand: Errand<Parcel<Token>>,
    waiter: Waiter,
    sit: impl Fn(&Arc<Shared<Token>>),
) {
    let Scene { pool, shared, remote } = scene;
    remote.hangs_up.store(true, Ordering::Relaxed);
    let checking = thread::spawn({
        let shared = Arc::clone(&shared);
        move || run(&shared, errand)
    });
    let waiting = thread::spawn(move || {
        drop(block_on(waiter).expect("a session"));
        drop(pool);
    });
    sit(&shared);
    join(checking);
    join(waiting);
    remote.check();
}

#[test]
fn a_session_checked_for_a_lost_janitor_is_ended() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        scene.check_from_now_on();
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let checking = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_told(&block_on(waiter)));
        scene.lose_janitor();
        join(checking);
        join(waiting);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

#[test]
fn close_against_a_check() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        scene.check_from_now_on();
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let checking = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_closed(&block_on(waiter)));
        scene.shared.close();
        join(checking);
        join(waiting);
        scene.finish();
    });
}
