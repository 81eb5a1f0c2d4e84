//! Who is told of an outage, and when.

use super::*;
use sessionpool_core::{Fault, Pause};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_long_outage_fails_callers_at_once_until_it_is_over() {
    let (backend, builder) = scripted(1);
    let pool = builder.fail_fast_after(secs(10)).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let start = Instant::now();
    let error = pool.acquire().await.unwrap_err(); // told while it waited
    assert!(start.elapsed() >= secs(10) && start.elapsed() < secs(21), "{:?}", start.elapsed());
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Transient, .. }), "{error}");
    for _ in 0..100 {
        let asked = Instant::now();
        assert!(pool.acquire().await.is_err());
        assert_eq!(asked.elapsed(), Duration::ZERO);
        tokio::time::sleep(ms(100)).await;
    }
    backend.always(Verb::Open, Act::succeed());
    assert!(pool.acquire().await.is_err()); // and causes the opening that ends it
    tokio::time::sleep(secs(11)).await;
    assert_eq!(pool.status().idle, 1);
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_session_lives_nobody_fails_fast() {
    let (backend, builder) = scripted(2);
    let pool = builder.fail_fast_after(Duration::ZERO).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(5)).await;
    drop(lease);
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_being_closed_keeps_nobody_from_failing_fast() {
    let (backend, builder) = scripted(2);
    let builder = builder.fail_fast_after(secs(5)).max_lifetime(secs(100));
    let pool = builder.acquire_timeout(secs(600)).build().unwrap();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(101)).await;
    backend.always(Verb::Open, Act::take(secs(3)).then_fail(Fault::Transient));
    backend.always(Verb::Close, Act::take(secs(4)));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(20)).await;
    while pool.status().opening == 0 {
        tokio::time::sleep(ms(100)).await;
    }
    drop(old);
    quiet().await;
    assert_eq!((pool.status().opening, pool.status().closing), (1, 1));
    let came_back = Instant::now();
    assert!(pool.acquire().await.is_err()); // a newcomer, at once
    assert_eq!(came_back.elapsed(), Duration::ZERO);
    assert!(waiting.await.unwrap().is_err()); // with the opening under way
    assert!(came_back.elapsed() <= secs(3), "{:?}", came_back.elapsed());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_session_leaves_nobody_waiting_in_a_long_outage() {
    let (backend, builder) = scripted(2);
    let builder = builder.fail_fast_after(secs(5)).acquire_timeout(secs(600));
    let pool = builder.build().unwrap();
    let last = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(20)) }));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(25)).await;
    assert!(!waiting.is_finished());
    let start = Instant::now();
    last.discard();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Busy { .. }, .. }), "{error}");
    assert_eq!(start.elapsed(), Duration::ZERO);
    end(&backend, &pool).await;
}

/// A pool with one session, in whose outage somebody waits for that.
async fn in_a_long_outage() -> (Scripted, ScriptedPool, ScriptedLease, JoinHandle<Acquired>) {
    let (backend, builder) = scripted(2);
    let builder = builder.fail_fast_after(secs(5)).acquire_timeout(secs(600));
    let pool = builder.check_after_idle(Duration::ZERO).build().unwrap();
    let last = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(20)) }));
    backend.always(Verb::Close, Act::take(secs(4)));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(25)).await;
    assert!(!waiting.is_finished());
    (backend, pool, last, waiting)
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_a_long_outage_is_told_before_the_last_session_is_closed() {
    type Way = fn(&Scripted, &ScriptedPool, ScriptedLease);
    let ways: [Way; 4] = [
        |_, _, mut last| last.lose(Fault::SessionLost),
        |_, _, last| last.discard(),
        |backend, _, mut last| {
            last.set_dirty();
            backend.always(Verb::Release, Act::fail(Fault::Other));
        },
        |_, pool, mut last| {
            last.set_dirty();
            drop(last);
            pool.flush(); // cleaned in vain
        },
    ];
    for end_it in ways {
        let (backend, pool, last, waiting) = in_a_long_outage().await;
        end_it(&backend, &pool, last);
        quiet().await;
        assert_eq!(pool.status().closing, 1);
        assert!(waiting.is_finished() && waiting.await.unwrap().is_err());
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_a_long_outage_is_told_when_the_last_check_fails() {
    let (backend, pool, last, waiting) = in_a_long_outage().await;
    drop(last);
    drop(waiting.await.unwrap().unwrap());
    backend.always(Verb::Check, Act::fail(Fault::SessionLost));
    let asked = Instant::now();
    assert!(matches!(pool.acquire().await, Err(AcquireError::Failed { .. })));
    assert_eq!((asked.elapsed(), pool.status().closing), (Duration::ZERO, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_only_an_old_session_in_a_long_outage_is_told() {
    let (backend, builder) = scripted(2);
    let builder = builder.fail_fast_after(secs(5)).acquire_timeout(secs(600));
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let last = pool.acquire().await.unwrap();
    let busy = |time| Act::fail(Fault::Busy { retry_after: Some(secs(time)) });
    backend.next(Verb::Open, busy(6)).next(Verb::Open, busy(500));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(7)).await;
    drop(last);
    drop(waiting.await.unwrap().unwrap());
    // Before the janitor has looked.
    let ((), answer) = tokio::join!(tokio::time::advance(secs(100)), async {
        tokio::time::timeout(secs(1), pool.acquire()).await
    });
    assert!(matches!(answer, Ok(Err(AcquireError::Failed { .. }))), "{answer:?}");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_through_a_pause_in_a_long_outage_waits_for_the_next_opening() {
    let (backend, pool, last, waiting) = in_a_long_outage().await;
    waiting.abort();
    pool.pause(Pause::Wait);
    last.discard();
    let waiting = waiter(&pool).await;
    pool.resume();
    tokio::time::sleep(secs(5)).await; // the last session is gone
    assert_eq!((pool.status().size(), waiting.is_finished()), (0, false));
    backend.always(Verb::Open, Act::succeed());
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_through_a_pause_is_told_of_a_long_outage_when_the_last_session_ends() {
    let (backend, pool, mut last, waiting) = in_a_long_outage().await;
    pool.pause(Pause::Wait);
    pool.resume();
    quiet().await;
    assert!(!waiting.is_finished());
    last.lose(Fault::SessionLost);
    drop(last);
    quiet().await;
    assert!(waiting.is_finished() && waiting.await.unwrap().is_err());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn callers_of_a_paused_pool_wait_even_in_an_outage() {
    let (backend, builder) = scripted(3);
    let pool = builder.fail_fast_after(secs(1)).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    assert!(pool.acquire().await.is_err());
    pool.pause(Pause::Wait);
    let waiting = waiter(&pool).await;
    quiet().await;
    assert_eq!(pool.status().waiters, 1);
    backend.always(Verb::Open, Act::succeed());
    pool.resume();
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_long_ago_fails_nobody_fast() {
    for limit in [Duration::ZERO, secs(10)] {
        let (backend, builder) = scripted(2);
        let pool = builder.fail_fast_after(limit).build().unwrap();
        backend.next(Verb::Open, Act::fail(Fault::Transient));
        let given_up = waiter(&pool).await;
        quiet().await;
        given_up.abort();
        tokio::time::sleep(secs(3_600)).await;
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_outage_is_found_by_one_opening() {
    let (backend, builder) = scripted(3);
    let pool = builder.fail_fast_after(Duration::ZERO).build().unwrap();
    backend.next(Verb::Open, Act::fail(Fault::Transient));
    assert!(pool.acquire().await.is_err());
    assert!(pool.acquire().await.is_err()); // causes the next, once it is due
    backend.next(Verb::Open, Act::take(secs(1)));
    tokio::time::sleep(ms(200)).await;
    assert_eq!(pool.status().opening, 1);
    assert!(pool.acquire().await.is_err()); // and wants no other
    tokio::time::sleep(secs(3)).await;
    assert_eq!((pool.status().idle, backend.book().opened), (1, 1));
    end(&backend, &pool).await;
}
