//! More waiters than any service should have.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use super::*;
use sessionpool_core::{Fault, TimedOut};
use tokio::task::JoinSet;
use tokio::time::Instant;

const MANY: usize = 100_000;

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_waiters_are_served_by_eight_sessions_in_their_order() {
    let (backend, builder) = scripted(8);
    let pool = builder.max_waiters(MANY).build().unwrap();
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(pool.acquire().await.unwrap());
    }
    let served = Arc::new(Mutex::new(Vec::with_capacity(MANY)));
    let mut waiters = JoinSet::new();
    for number in 0..MANY {
        let (pool, served) = (pool.clone(), Arc::clone(&served));
        waiters.spawn(async move {
            let lease = pool.acquire().await.unwrap();
            served.lock().unwrap().push(number);
            tokio::task::yield_now().await;
            drop(lease);
        });
    }
    while pool.status().waiters < MANY {
        tokio::task::yield_now().await;
    }
    drop(held);
    waiters.join_all().await;
    assert!(served.lock().unwrap().iter().copied().eq(0..MANY));
    assert_eq!((pool.status().idle, backend.book().opened), (8, 8));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_waiters_time_out_at_one_instant() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_waiters(MANY).acquire_timeout(secs(3)).build().unwrap();
    let held = pool.acquire().await.unwrap();
    let start = Instant::now();
    let mut waiters = JoinSet::new();
    for _ in 0..MANY {
        let pool = pool.clone();
        waiters.spawn(async move {
            let error = pool.acquire().await.unwrap_err();
            let AcquireError::TimedOut(timed_out) = error else { panic!("{error}") };
            let TimedOut { queueing, .. } = *timed_out;
            queueing
        });
    }
    let waited = waiters.join_all().await;
    assert_eq!(start.elapsed(), secs(3));
    assert!(waited.iter().all(|queueing| *queueing == secs(3)));
    let status = pool.status();
    assert_eq!((status.waiters, status.counters.timed_out), (0, MANY as u64));
    drop(held);
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

/// Counts how often it was woken.
#[derive(Debug, Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn of_ten_thousand_waiters_one_is_woken_by_one_release() {
    let ways_back: [fn(ScriptedLease); 4] = [
        drop,
        |mut lease| {
            lease.set_dirty();
            drop(lease);
        },
        |mut lease| {
            lease.lose(Fault::SessionLost);
            drop(lease);
        },
        |lease| lease.discard(),
    ];
    for give_back in ways_back {
        let (backend, builder) = scripted(1);
        let pool = builder.max_waiters(10_000).build().unwrap();
        let held = pool.acquire().await.unwrap();
        let mut waiters: Vec<_> = (0..10_000)
            .map(|_| {
                let pool = pool.clone();
                let acquire = Box::pin(async move { pool.acquire().await });
                (acquire, Arc::new(Bell::default()))
            })
            .collect();
        for (acquire, bell) in &mut waiters {
            let waker = Waker::from(Arc::clone(bell));
            let mut cx = Context::from_waker(&waker);
            assert!(acquire.as_mut().poll(&mut cx).is_pending());
        }
        give_back(held);
        quiet().await;
        let woken: Vec<_> =
            waiters.iter().map(|(_, bell)| bell.0.load(Ordering::Relaxed)).collect();
        assert_eq!((woken[0], woken.iter().sum::<usize>()), (1, 1));
        let (first, _) = waiters.remove(0);
        drop(waiters);
        drop(first.await.unwrap());
        end(&backend, &pool).await;
    }
}
