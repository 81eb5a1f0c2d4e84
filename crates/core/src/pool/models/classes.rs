//! Classes of work, while others come and go.

use loom::future::block_on;
use loom::thread;

use super::{BROKEN, Scene, Waiter, acquire_with, join, one, prove, queued, rounds, run, two};
use crate::pool::draft::Draft;
use crate::pool::places::Tally;
use crate::sync::Arc;
use crate::{AcquireOptions, ClassSettings};

/// One session at most is lent for reports.
fn reports(draft: Draft) -> Draft {
    let class = ClassSettings { limit: Some(1), ..ClassSettings::new("report".into()) };
    Draft { classes: vec![class], ..draft }
}

fn report(scene: &Scene) -> Waiter {
    acquire_with(&scene.pool, AcquireOptions::new().class("report"))
}

#[test]
fn a_class_that_gets_room_is_served_by_what_comes_back_or_from_stock() {
    prove(|| {
        let scene = Scene::new(reports(two()));
        let (page, idle) = (scene.lease(), scene.lease());
        drop(idle);
        let mut held = block_on(report(&scene)).expect("a session");
        held.condition = BROKEN;
        let next = queued(report(&scene));
        let returning = thread::spawn(move || drop(held));
        let browsing = thread::spawn(move || drop(page));
        drop(block_on(next).expect("a session"));
        join(returning);
        join(browsing);
        rounds(&scene.shared);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_class_has_no_more_than_its_limit() {
    prove(|| {
        let scene = Scene::new(reports(two()));
        drop([scene.lease(), scene.lease()]);
        let work = || {
            let (report, shared) = (report(&scene), Arc::clone(&scene.shared));
            move || {
                let lease = block_on(report).expect("a session");
                shared.ledger(|ledger, _| {
                    let leased: Vec<_> = ledger.classes().map(|class| class.leased).collect();
                    assert_eq!(leased, [1]);
                });
                drop(lease);
            }
        };
        let threads = [thread::spawn(work()), thread::spawn(work())];
        threads.into_iter().for_each(join);
        assert_eq!(scene.tally(), (Tally::default(), 2));
        scene.finish();
    });
}

#[test]
fn a_grant_to_a_dropped_waiter_gives_its_class_room_again() {
    prove(|| {
        let scene = Scene::new(reports(one()));
        drop(scene.lease());
        let held = block_on(report(&scene)).expect("a session");
        let (first, second) = (queued(report(&scene)), queued(report(&scene)));
        let returning = thread::spawn(move || drop(held));
        let cancelling = thread::spawn(move || drop(first));
        drop(block_on(second).expect("a session"));
        join(returning);
        join(cancelling);
        scene.finish();
    });
}

/// It waits in line behind a full class, and is not held up by it.
#[test]
fn an_opening_serves_whoever_may_be_served() {
    prove(|| {
        let scene = Scene::new(reports(two()));
        drop(scene.lease());
        let held = block_on(report(&scene)).expect("a session");
        let next_report = queued(report(&scene));
        let page = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let returning = thread::spawn(move || drop(held));
        drop(block_on(page).expect("a session"));
        join(opening);
        join(returning);
        drop(block_on(next_report).expect("a session"));
        scene.finish();
    });
}
