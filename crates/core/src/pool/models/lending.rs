//! Who gets a session, and who is woken for it.

use std::sync::Arc as StdArc;
use std::sync::atomic::Ordering;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread;

use super::{
    BROKEN, HOUR, Scene, Token, Waiter, acquire, far_future, join, one, prove, queued, sit,
};
use crate::pool::draft::Draft;
use crate::pool::places::Tally;
use crate::pool::shared::Shared;
use crate::sync::Arc;
use crate::{AcquireError, Condition, TryAcquireError};

/// In whatever state its sessions are and whatever way they came back: a broken
/// one counts until it has ended.
#[test]
fn capacity_holds_at_every_instant() {
    prove(|| {
        let scene = Scene::new(Draft { min_idle: 1, ..one() });
        let borrower = |condition| {
            let pool = scene.pool.clone();
            thread::spawn(move || {
                let mut lease = block_on(pool.acquire()).expect("a session");
                assert_eq!(lease.condition, Condition::Clean);
                lease.condition = condition;
            })
        };
        let borrowers = [borrower(Condition::Clean), borrower(BROKEN)];
        let Scene { pool, shared, remote } = scene;
        drop(pool);
        sit(&shared);
        borrowers.into_iter().for_each(join);
        remote.check();
    });
}

#[test]
fn a_session_has_one_holder() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        let holders = StdArc::new(loom::sync::atomic::AtomicUsize::new(0));
        let borrow = || {
            let (pool, holders) = (scene.pool.clone(), StdArc::clone(&holders));
            move || {
                let _lease = block_on(pool.acquire()).expect("a session");
                assert_eq!(holders.fetch_add(1, Ordering::Relaxed), 0);
                holders.fetch_sub(1, Ordering::Relaxed);
            }
        };
        let others = [thread::spawn(borrow()), thread::spawn(borrow())];
        borrow()();
        others.into_iter().for_each(join);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn no_wake_up_is_lost() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = || {
            let pool = scene.pool.clone();
            thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")))
        };
        let waiters = [waiter(), waiter()];
        drop(lease);
        waiters.into_iter().for_each(join);
        scene.finish();
    });
}

/// A waiter that moves to another task is woken where it is now.
#[test]
fn no_wake_up_goes_to_an_old_waker() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let moved = thread::spawn(move || drop(block_on(waiter).expect("a session")));
        drop(lease);
        join(moved);
        scene.finish();
    });
}

/// Dropping one is other people's code, too.
#[test]
fn no_waker_is_dropped_under_the_lock() {
    struct Asks(Arc<Shared<Token>>);

    impl Wake for Asks {
        fn wake(self: StdArc<Self>) {}
    }

    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.status();
        }
    }

    prove(|| {
        let scene = Scene::new(one());
        let poll = |waiter: &mut Waiter| {
            let waker = Waker::from(StdArc::new(Asks(Arc::clone(&scene.shared))));
            waiter.as_mut().poll(&mut Context::from_waker(&waker))
        };
        let mut waiter = acquire(&scene.pool, Duration::MAX);
        assert!(poll(&mut waiter).is_pending());
        assert!(poll(&mut waiter).is_pending());
        drop(waiter);
        scene.finish();
    });
}

#[test]
fn a_grant_to_a_dropped_waiter_passes_on() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let (first, second) = (scene.waiter(), scene.waiter());
        let returning = thread::spawn(move || drop(lease));
        let cancelling = thread::spawn(move || drop(first));
        drop(block_on(second).expect("a session"));
        join(returning);
        join(cancelling);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_grant_to_the_last_waiter_dropped_goes_to_stock() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let returning = thread::spawn(move || drop(lease));
        drop(waiter);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_timer_and_a_grant_have_one_outcome() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter_for(HOUR);
        let returning = thread::spawn(move || drop(lease));
        let shared = Arc::clone(&scene.shared);
        let timer = thread::spawn(move || {
            shared.ledger(|ledger, aftermath| ledger.time_is_over(far_future(), aftermath));
        });
        match block_on(waiter) {
            Ok(lease) => drop(lease),
            Err(error) => assert!(matches!(error, AcquireError::TimedOut(_)), "{error}"),
        }
        join(returning);
        join(timer);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

/// While anyone waits, a session that comes back is nobody else's.
#[test]
fn a_newcomer_never_overtakes() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let first = scene.waiter();
        let pool = scene.pool.clone();
        let newcomer = thread::spawn(move || {
            assert!(matches!(pool.try_acquire(), Err(TryAcquireError::NoneIdle)));
            queued(acquire(&pool, Duration::MAX))
        });
        let returning = thread::spawn(move || drop(lease));
        let lease = block_on(first).expect("a session");
        let newcomer = newcomer.join().expect("overtakes nobody");
        join(returning);
        drop(lease);
        drop(block_on(newcomer).expect("a session"));
        scene.finish();
    });
}
