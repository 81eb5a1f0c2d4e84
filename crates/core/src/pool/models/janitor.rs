//! The janitor: called, leaving, lost.

use std::time::Duration;

use loom::future::block_on;
use loom::thread;
use tokio::runtime;
use tokio::time::Instant;

use super::{
    BROKEN, HOUR, LATER, Scene, Task, acquire, failure, join, one, prove, queued, rounds, run,
    served_or_told, sit, sit_out_of_time,
};
use crate::pool::draft::Draft;
use crate::pool::places::Tally;
use crate::sync::Arc;
use crate::{AcquireError, Condition};

/// A session that needs cleaning comes back while the janitor goes to wait.
#[test]
fn the_janitor_is_called_for_work() {
    prove(|| {
        let scene = Scene::new(one());
        let mut lease = scene.lease();
        lease.condition = Condition::Dirty;
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")));
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check();
    });
}

/// It sleeps with no time to look again when somebody joins who has one.
#[test]
fn the_janitor_is_told_of_a_deadline() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || {
            let answer = block_on(acquire(&pool, HOUR));
            assert!(matches!(answer, Err(AcquireError::TimedOut(_))), "{answer:?}");
            drop(lease);
        });
        sit(&shared);
        join(waiting);
        remote.check();
    });
}

#[test]
fn the_janitor_is_told_of_an_expiry() {
    prove(|| {
        let scene = Scene::new(Draft { idle_timeout: Some(HOUR), ..one() });
        let lease = scene.lease();
        let returning = thread::spawn(move || drop(lease));
        sit(&scene.shared);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// Expired or lent: never both.
#[test]
fn an_expiring_session_is_not_lent() {
    prove(|| {
        let scene = Scene::new(Draft { idle_timeout: Some(HOUR), ..one() });
        drop(scene.lease());
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || served_or_told(&block_on(pool.acquire())));
        sit(&shared);
        join(waiting);
        remote.check();
    });
}

/// Nothing is open any more, so the janitor leaves its seat. Whoever comes then
/// finds it there, or knows that it is gone.
#[test]
fn nobody_waits_for_a_janitor_that_has_left() {
    prove(|| {
        let scene = Scene::new(one());
        let mut lease = scene.lease();
        lease.condition = BROKEN;
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || served_or_told(&block_on(pool.acquire())));
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check();
    });
}

/// The outage holds the janitor back, for nobody any more.
#[test]
fn the_janitor_leaves_with_the_last_waiter() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        scene.shared.open_failed(scene.errand().place, &failure(LATER, Instant::now()));
        let leaving = thread::spawn(move || drop(waiter));
        sit_out_of_time(&scene.shared);
        join(leaving);
        scene.finish();
    });
}

#[test]
fn a_lost_janitor_leaves_nobody_asleep() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let pool = scene.pool.clone();
        let waiting = thread::spawn(move || served_or_told(&block_on(pool.acquire())));
        let returning = thread::spawn(move || drop(lease));
        scene.lose_janitor();
        join(waiting);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// However many look for one at once. Here there is a runtime, which never runs.
#[test]
fn a_lost_janitor_has_one_successor() {
    prove(|| {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let entered = runtime.enter();
        let scene = Scene::seated_on(Some(runtime.handle().id()), Draft { max_size: 2, ..one() });
        let look =
            |mut task: Task| thread::spawn(move || task.run_if_woken().is_none().then_some(task));
        let looking = [Task::of(scene.waiter()), Task::of(scene.waiter())].map(look);
        scene.lose_janitor();
        let tasks = looking.map(|thread| thread.join().expect("a thread").expect("still waiting"));
        let tasks = tasks.map(|mut task| task.run_if_woken().is_none().then_some(task));
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        rounds(&scene.shared);
        for mut task in tasks.into_iter().flatten() {
            drop(task.run_if_woken().expect("woken, with an answer").expect("a session"));
        }
        scene.finish();
        drop(entered);
    });
}

#[test]
fn a_session_opened_for_a_lost_janitor_is_ended() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_told(&block_on(waiter)));
        scene.lose_janitor();
        join(opening);
        join(waiting);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// Ended at once, it counts until then.
#[test]
fn a_session_of_a_lost_janitor_ends_before_its_place_is_free() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        scene.lose_janitor();
        let Scene { pool, shared, remote } = scene;
        shared.ledger(|ledger, _| ledger.seat.take(None));
        let waiter = queued(acquire(&pool, Duration::MAX));
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || {
            drop(block_on(waiter).expect("a session"));
            drop(pool);
        });
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check();
    });
}
