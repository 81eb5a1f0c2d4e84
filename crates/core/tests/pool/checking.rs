use super::*;
use sessionpool_core::{Fault, Pause, Phase, TryAcquireError};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

/// A pool with that many idle sessions, which have been idle for a second.
async fn with_idle(backend: &Scripted, pool: &ScriptedPool, sessions: usize) {
    let mut leases = Vec::new();
    for _ in 0..sessions {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases);
    tokio::time::sleep(secs(1)).await;
    assert_eq!(backend.book().calls(Verb::Check), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_checked_only_after_it_was_idle_for_long_enough() {
    let (backend, builder) = scripted(1);
    let pool = builder.check_after_idle(ms(500)).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(ms(499)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!(backend.book().calls(Verb::Check), 0);
    tokio::time::sleep(ms(500)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!((backend.book().calls(Verb::Check), pool.status().counters.checked), (1, 1));
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn checks_may_be_switched_off_or_made_each_time() {
    for (after, checks) in [(None, 0), (Some(Duration::ZERO), 3)] {
        let (backend, builder) = scripted(1);
        let pool = builder.check_after_idle(after).build().unwrap();
        for _ in 0..4 {
            drop(pool.acquire().await.unwrap());
            tokio::time::sleep(secs(1)).await;
        }
        assert_eq!(backend.book().calls(Verb::Check), checks);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_during_a_check_does_not_cost_the_session() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    with_idle(&backend, &pool, 1).await;
    backend.next(Verb::Check, Act::take(ms(200)));
    let hasty = AcquireOptions::new().timeout(ms(50));
    let error = pool.acquire_with(hasty.clone()).await.unwrap_err();
    let AcquireError::TimedOut(timed_out) = &error else { panic!("{error}") };
    assert_eq!((timed_out.phase, timed_out.checking), (Phase::Checking, ms(50)));
    assert!(error.is_backend_fault() && !error.is_overload(), "{error}");
    assert_eq!(pool.status().checking, 1);
    let start = Instant::now();
    drop(pool.acquire().await.unwrap()); // served by the check that was under way
    assert_eq!(start.elapsed(), ms(150));
    assert_eq!((backend.book().opened, backend.book().calls(Verb::Check)), (1, 1));

    // Nor if nobody waits any more when it ends.
    tokio::time::sleep(secs(1)).await;
    backend.next(Verb::Check, Act::take(ms(200)));
    assert!(pool.acquire_with(hasty).await.is_err());
    tokio::time::sleep(ms(200)).await;
    assert_eq!((pool.status().idle, backend.book().calls(Verb::Check)), (1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_wait_has_a_session_checked_for_the_next() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_waiters(0).min_idle(2).build().unwrap();
    quiet().await;
    let no_time = AcquireOptions::new().timeout(Duration::ZERO);
    for round in 1..=3 {
        tokio::time::sleep(secs(1)).await;
        match round {
            1 => assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::NoneIdle)),
            2 => assert!(pool.acquire().await.unwrap_err().is_overload()),
            _ => assert!(pool.acquire_with(no_time.clone()).await.unwrap_err().is_timeout()),
        }
        quiet().await;
        assert_eq!(backend.book().calls(Verb::Check), round);
        drop(pool.try_acquire().unwrap());
    }
    end(&backend, &pool).await;
}

/// They are kept alive every thirty.
async fn two_idle_the_first_for_twenty_seconds() -> (Scripted, ScriptedPool) {
    let (backend, builder) = scripted(2);
    let pool = builder.keepalive_interval(secs(30)).build().unwrap();
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(first);
    tokio::time::sleep(secs(20)).await;
    drop(second);
    (backend, pool)
}

#[tokio::test(start_paused = true)]
async fn a_keepalive_check_blocks_no_caller_while_another_session_is_idle() {
    let (backend, pool) = two_idle_the_first_for_twenty_seconds().await;
    backend.next(Verb::Check, Act::hang()); // the first one's, kept alive
    tokio::time::sleep(ms(10_500)).await;
    assert_eq!((pool.status().checking, pool.status().idle), (1, 1));
    let start = Instant::now();
    drop(pool.acquire().await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_known_to_be_alive_since_is_not_condemned() {
    let (backend, pool) = two_idle_the_first_for_twenty_seconds().await;
    tokio::time::sleep(secs(11)).await; // the first has answered
    backend.next(Verb::Check, Act::fail(Fault::SessionLost)); // the second will not
    tokio::time::sleep(secs(20)).await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.dead), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_are_kept_alive_a_few_at_once() {
    let (backend, builder) = scripted(9);
    let pool = builder.max_connecting(2).keepalive_interval(secs(30)).build().unwrap();
    with_idle(&backend, &pool, 9).await;
    backend.always(Verb::Check, Act::take(ms(100)));
    tokio::time::sleep(secs(29)).await;
    for _ in 0..5 {
        tokio::time::sleep(ms(50)).await;
        assert!(pool.status().checking <= 2 && pool.status().idle >= 7, "{}", pool.status());
        tokio::time::sleep(ms(50)).await;
    }
    assert_eq!(backend.book().calls(Verb::Check), 9);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn one_acquire_costs_one_check_and_one_opening_however_many_are_dead() {
    for act in [Act::fail(Fault::SessionLost), Act::hang()] {
        let (backend, builder) = scripted(8);
        let pool = builder.check_timeout(secs(2)).build().unwrap();
        with_idle(&backend, &pool, 6).await;
        backend.always(Verb::Check, act);
        let start = Instant::now();
        drop(pool.acquire().await.unwrap());
        assert!(start.elapsed() <= secs(2), "{:?}", start.elapsed());
        assert_eq!((backend.book().calls(Verb::Check), backend.book().opened), (1, 7));
        assert_eq!(pool.status().counters.closed.dead, 6);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_backend_found_by_a_check_counts_as_one() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let leased = pool.acquire().await.unwrap();
    with_idle(&backend, &pool, 2).await;
    backend.next(Verb::Check, Act::fail(Fault::BackendLost));
    drop(pool.acquire().await.unwrap());
    drop(leased);
    quiet().await;
    let closed = pool.status().counters.closed;
    assert_eq!((pool.status().generation, closed.dead, closed.stale), (1, 1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_merely_unfit_condemns_no_other() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    with_idle(&backend, &pool, 3).await;
    backend.next(Verb::Check, Act::fail(Fault::Other));
    drop(pool.acquire().await.unwrap());
    assert_eq!((backend.book().calls(Verb::Check), backend.book().opened), (2, 3));
    assert_eq!(pool.status().counters.closed.dead, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order_though_some_sessions_need_a_check() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    with_idle(&backend, &pool, 2).await;
    let fresh = pool.acquire().await.unwrap(); // checked, and used just now
    backend.always(Verb::Check, Act::take(ms(100)));
    let first = waiter(&pool).await; // waits for the check of the other
    drop(fresh);
    assert!(pool.try_acquire().is_err());
    let second = waiter(&pool).await;
    let start = Instant::now();
    let first = first.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO); // by the one that came back
    let second = second.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), ms(100));
    assert_eq!(backend.book().opened, 2); // the checks were enough for both
    drop((first, second));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_check_ends_that_session_only() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    with_idle(&backend, &pool, 2).await;
    backend.next(Verb::Check, Act::panic());
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.status().counters.closed.dead, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn closing_ends_what_is_being_checked() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    with_idle(&backend, &pool, 1).await;
    backend.next(Verb::Check, Act::take(secs(1)));
    let waiting = waiter(&pool).await;
    backend.called(Verb::Check, 1).await;
    let report = pool.close(secs(5)).await;
    assert!(report.is_complete(), "{report}");
    assert!(waiting.await.unwrap().unwrap_err().is_closed());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_are_kept_alive_without_a_borrower_noticing() {
    let (backend, builder) = scripted(2);
    let pool = builder.keepalive_interval(secs(30)).check_after_idle(secs(60)).build().unwrap();
    drop([pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]);
    tokio::time::sleep(secs(95)).await;
    assert_eq!(backend.book().calls(Verb::Check), 6); // both, at 30, 60 and 90 s
    assert_eq!(pool.status().idle, 2);
    let start = Instant::now();
    drop(pool.acquire().await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(backend.book().calls(Verb::Check), 6); // fresh enough to be lent
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn keeping_alive_does_not_keep_from_expiring() {
    let (backend, builder) = scripted(1);
    let pool = builder.keepalive_interval(secs(4)).idle_timeout(secs(10)).build().unwrap();
    drop(pool.acquire().await.unwrap());
    let start = Instant::now();
    backend.ended(1).await;
    assert!(start.elapsed() < ms(10_010), "{:?}", start.elapsed());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_is_found_before_a_borrower_does() {
    let (backend, builder) = scripted(1);
    let pool = builder.min_idle(1).keepalive_interval(secs(30)).build().unwrap();
    quiet().await;
    backend.next(Verb::Check, Act::fail(Fault::SessionLost));
    tokio::time::sleep(secs(31)).await;
    assert_eq!((pool.status().idle, backend.book().opened), (1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_ends_during_a_pause_is_waited_for_no_longer() {
    let (backend, builder) = scripted(1);
    let pool = builder.check_after_idle(Duration::ZERO).acquire_timeout(secs(5)).build().unwrap();
    drop(pool.acquire().await.unwrap());
    backend.next(Verb::Check, Act::take(secs(1)));
    let waiting = waiter(&pool).await;
    quiet().await;
    pool.pause(Pause::Wait);
    let AcquireError::TimedOut(told) = waiting.await.unwrap().unwrap_err() else {
        panic!("its time was over");
    };
    assert_eq!((told.checking, told.queueing), (secs(1), secs(4)), "{told}");
    end(&backend, &pool).await;
}
