//! Flushing, pausing, resizing; what a holder may do with a session.

use super::*;
use sessionpool_core::{Fault, Pause, Session, TryAcquireError};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_flush_ends_idle_sessions_now_and_leased_ones_when_they_come_back() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let (idle, leased, dirty) = (
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
    );
    drop(idle);
    pool.flush();
    assert_eq!((pool.status().idle, pool.status().closing), (0, 1));
    let mut dirty = dirty;
    dirty.set_dirty();
    drop((leased, dirty));
    quiet().await;
    assert_eq!((pool.status().size(), pool.status().counters.closed.stale), (0, 3));
    assert_eq!(backend.book().calls(Verb::Release), 0); // nothing was cleaned in vain
    drop(pool.acquire().await.unwrap());
    assert_eq!((pool.status().idle, pool.status().generation), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_being_opened_during_a_flush_is_not_lent() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    backend.next(Verb::Open, Act::take(secs(1)));
    let waiting = waiter(&pool).await;
    backend.called(Verb::Open, 1).await;
    pool.flush();
    let start = Instant::now();
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO); // by another one, opened at once
    tokio::time::sleep(secs(2)).await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.stale), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_backend_makes_every_older_session_suspect_once() {
    let (backend, builder) = scripted(20);
    let pool = builder.max_connecting(20).build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..20 {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases.drain(..4)); // idle
    for lease in &mut leases[..15] {
        lease.lose(Fault::BackendLost);
    }
    drop(leases.drain(..15)); // 15 failures at once
    quiet().await;
    assert_eq!(pool.status().generation, 1);
    drop(leases); // not broken itself, and suspect all the same
    quiet().await;
    let closed = pool.status().counters.closed;
    assert_eq!((closed.broken, closed.stale), (15, 5));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn openings_may_report_a_lost_backend_and_count_once() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let (idle, leased) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    for _ in 0..3 {
        backend.next(Verb::Open, Act::fail(Fault::BackendLost));
    }
    let waiting = [waiter(&pool).await, waiter(&pool).await];
    drop(idle);
    let first = waiting.map(|task| async { task.await.unwrap().unwrap() });
    for lease in first {
        drop(lease.await);
    }
    assert_eq!(pool.status().generation, 1);
    drop(leased);
    quiet().await;
    assert!(pool.status().counters.closed.stale >= 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_pool_makes_callers_wait_and_leaves_leases_alone() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    drop(pool.acquire().await.unwrap());
    pool.pause(Pause::Wait);
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::NoneIdle));
    let (first, second) = (waiter(&pool).await, waiter(&pool).await);
    lease.write("still usable").await.unwrap();
    drop(lease);
    quiet().await;
    assert_eq!((pool.status().idle, pool.status().waiters, pool.status().paused), (2, 2, true));
    pool.resume();
    assert_eq!((pool.status().idle, pool.status().waiters, pool.status().paused), (0, 0, false));
    drop((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()));
    assert_eq!(backend.book().opened, 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_paused_pool_ends_at_its_deadline_and_says_why() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(3)).build().unwrap();
    pool.pause(Pause::Wait);
    let start = Instant::now();
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(start.elapsed(), secs(3));
    assert!(error.to_string().contains("within 3s: it is paused"), "{error}");
    assert_eq!(backend.book().open_calls, 0);
    pool.resume();
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_pool_may_fail_its_callers_those_queued_too() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = waiter(&pool).await;
    pool.pause(Pause::Fail);
    assert!(matches!(waiting.await.unwrap().unwrap_err(), AcquireError::Paused));
    assert!(matches!(pool.acquire().await.unwrap_err(), AcquireError::Paused));
    balanced(&pool.status());
    drop(lease);
    pool.resume();
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn shrinking_ends_surplus_sessions_as_they_come_back() {
    let (backend, builder) = scripted(10);
    let pool = builder.build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..8 {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases.drain(..2)); // two idle, six leased
    pool.resize(5).unwrap();
    assert_eq!((pool.status().idle, pool.status().leased, pool.status().max_size), (0, 6, 5));
    let waiting = waiter(&pool).await;
    quiet().await;
    assert_eq!(pool.status().waiters, 1); // six are out, where five are allowed
    drop(leases.pop());
    quiet().await;
    assert_eq!((pool.status().waiters, pool.status().size()), (1, 5));
    drop(leases.pop());
    drop(waiting.await.unwrap().unwrap());
    drop(leases);
    quiet().await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.surplus), (5, 3));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn growing_serves_waiters_at_once_and_lends_no_more_than_allowed() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    pool.resize(1).unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = [waiter(&pool).await, waiter(&pool).await];
    pool.resize(3).unwrap();
    let start = Instant::now();
    for task in waiting {
        std::mem::forget(task.await.unwrap().unwrap());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    pool.resize(1).unwrap();
    pool.resize(4).unwrap();
    let fourth = pool.acquire().await.unwrap();
    assert!(pool.acquire_with(AcquireOptions::new().timeout(ms(10))).await.is_err());
    drop((lease, fourth));
    backend.forgive(); // two were forgotten on purpose
}

#[tokio::test(start_paused = true)]
async fn a_size_that_does_not_fit_is_refused_and_changes_nothing() {
    let (backend, builder) = scripted(4);
    let pool = builder.max_idle(2).min_idle(1).build().unwrap();
    let error = pool.resize(0).unwrap_err().to_string();
    assert_eq!(error, "max_size is 0, but 1 to 1000000 sessions are possible");
    let error = pool.resize(1).unwrap_err().to_string();
    assert_eq!(error, "max_size is 1, but max_idle is 2: at least 2 is possible");
    assert_eq!(pool.status().max_size, 4);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_discarded_session_is_ended_whatever_it_says() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    pool.acquire().await.unwrap().discard();
    assert_eq!(pool.acquire().await.unwrap().id(), 2);
    assert_eq!(pool.status().counters.closed.discarded, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_session_frees_its_place_and_is_its_holders() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let session = pool.acquire().await.unwrap().detach();
    assert_eq!((pool.status().size(), pool.status().counters.closed.detached), (0, 1));
    drop(pool.acquire().await.unwrap());
    balanced(&pool.status());
    Session::close(session).await.unwrap();

    // Whoever waits has another one opened in its place.
    let (kept, held) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let waiting = waiter(&pool).await;
    ScriptedSession::abort(kept.detach());
    drop(waiting.await.unwrap().unwrap());
    drop(held);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_knows_its_sessions_number_and_age() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    backend.next(Verb::Open, Act::fail(Fault::Transient));
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(9)).await;
    let lease = pool.acquire().await.unwrap();
    assert_eq!((Lease::id(&lease), Lease::age(&lease)), (1, secs(9)));
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_being_checked_during_a_flush_keeps_nobody_waiting() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(1)).await;
    backend.next(Verb::Check, Act::hang());
    let waiting = waiter(&pool).await;
    quiet().await;
    pool.flush();
    let start = Instant::now();
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_stock_flushed_while_paused_is_there_again_after_resume() {
    let (backend, builder) = scripted(3);
    let pool = builder.min_idle(2).build().unwrap();
    quiet().await;
    pool.pause(Pause::Wait);
    pool.flush();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(pool.status().size(), 0);
    pool.resume();
    quiet().await;
    assert_eq!(pool.status().idle, 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_backend_is_noticed_by_whoever_cleans_or_rolls_back() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let (idle, mut dirty) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(idle);
    dirty.set_dirty();
    backend.next(Verb::Release, Act::fail(Fault::BackendLost));
    assert!(dirty.release().await.is_err());
    assert_eq!((pool.status().generation, pool.status().idle), (1, 0));
    let mut unit = pool.unit();
    unit.session().await.unwrap();
    backend.next(Verb::Rollback, Act::fail(Fault::BackendLost));
    assert!(unit.close().await.is_err());
    assert_eq!(pool.status().generation, 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_smaller_pool_keeps_no_more_idle_than_it_may() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases);
    pool.resize(2).unwrap();
    quiet().await;
    assert_eq!(pool.status().idle, 2);
    end(&backend, &pool).await;
}
