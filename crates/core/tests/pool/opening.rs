use super::*;
use sessionpool_core::{AcquireError, Fault, Phase};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_waiter_takes_whichever_comes_first() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    backend.next(Verb::Open, Act::take(secs(5)));
    let start = Instant::now();
    let waiting = waiter(&pool).await;
    backend.called(Verb::Open, 2).await;
    tokio::time::sleep(ms(20)).await;
    drop(lease);
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(start.elapsed(), ms(20));
    tokio::time::sleep(secs(5)).await;
    assert_eq!(pool.status().idle, 2); // the opening went on, and serves the next
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_outlives_the_caller_it_was_begun_for() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::take(ms(300)));
    let start = Instant::now();
    let impatient = || pool.acquire_with(AcquireOptions::new().timeout(ms(100)));
    assert!(impatient().await.is_err());
    assert!(impatient().await.is_err());
    drop(impatient().await.unwrap());
    assert_eq!(start.elapsed(), ms(300));
    assert_eq!(backend.book().open_calls, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn max_connecting_bounds_openings_at_once() {
    let (backend, builder) = scripted(10);
    let pool = builder.max_connecting(2).build().unwrap();
    backend.always(Verb::Open, Act::take(ms(100)));
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(waiter(&pool).await);
    }
    quiet().await;
    assert_eq!(pool.status().opening, 2);
    let start = Instant::now();
    let mut leases = Vec::new();
    for task in waiting {
        leases.push(task.await.unwrap().unwrap());
        assert!(pool.status().opening <= 2);
    }
    assert_eq!(start.elapsed(), ms(300));
    drop(leases);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn openings_nobody_waits_for_are_not_started() {
    // HikariCP's spike: 5 idle of at most 50, 50 requests at once, 150 ms to open.
    let (backend, builder) = scripted(50);
    let pool = builder.build().unwrap();
    let mut warm = Vec::new();
    for _ in 0..5 {
        warm.push(pool.acquire().await.unwrap());
    }
    drop(warm);
    backend.always(Verb::Open, Act::take(ms(150)));
    let start = Instant::now();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let lease = pool.acquire().await.unwrap();
                tokio::time::sleep(ms(2)).await;
                drop(lease);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(start.elapsed(), ms(20));
    tokio::time::sleep(secs(2)).await;
    assert_eq!(backend.book().open_calls, 7); // the 5, and the 2 begun in the spike
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_is_bounded_by_connect_timeout() {
    let (backend, builder) = scripted(1);
    let pool = builder.connect_timeout(secs(4)).build().unwrap();
    backend.next(Verb::Open, Act::hang());
    let start = Instant::now();
    drop(pool.acquire().await.unwrap()); // the second opening succeeds
    assert!(start.elapsed() >= secs(4) && start.elapsed() < ms(4_101), "{:?}", start.elapsed());
    assert_eq!((pool.status().counters.open_failed, backend.book().open_calls), (1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_told_to_all_waiters_at_once() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_connecting(1).build().unwrap();
    backend.always(Verb::Open, Act::take(ms(10)).then_fail(Fault::Rejected));
    let waiting = [waiter(&pool).await, waiter(&pool).await, waiter(&pool).await];
    let start = Instant::now();
    for task in waiting {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, AcquireError::Failed { fault: Fault::Rejected, .. }), "{error}");
        assert!(error.is_backend_fault());
        let cause = std::error::Error::source(&error).unwrap();
        assert!(cause.downcast_ref::<sessionpool_testkit::ScriptedError>().is_some());
    }
    assert_eq!(start.elapsed(), ms(10));
    assert_eq!(backend.book().open_calls, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_not_hammered() {
    let (backend, builder) = scripted(2);
    let pool = builder.min_idle(1).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Rejected));
    quiet().await;
    let start = Instant::now();
    while start.elapsed() < secs(60) {
        let asked = Instant::now();
        assert!(pool.acquire().await.is_err());
        assert_eq!(asked.elapsed(), Duration::ZERO);
        tokio::time::sleep(ms(50)).await;
    }
    // 1,200 acquires; doubling from at least half a second, that is 8 at most.
    let logins = backend.book().open_calls;
    assert!((3..=8).contains(&logins), "{logins} logins in a minute");
    backend.always(Verb::Open, Act::succeed());
    tokio::time::sleep(secs(60)).await;
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_again_until_the_deadline() {
    let (backend, builder) = scripted(2);
    let pool = builder.acquire_timeout(secs(20)).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let start = Instant::now();
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(start.elapsed(), secs(20));
    let AcquireError::TimedOut(timed_out) = &error else { panic!("{error}") };
    assert_eq!(timed_out.phase, Phase::Opening);
    assert_eq!((timed_out.queueing, timed_out.opening), (Duration::ZERO, secs(20)));
    let last = timed_out.last_failure.as_ref().unwrap();
    assert_eq!(last.fault, Fault::Transient);
    assert!(std::error::Error::source(&error).is_some(), "the cause is attached");
    assert!(error.is_backend_fault() && !error.is_overload());
    let tries = backend.book().open_calls;
    assert!((4..200).contains(&tries), "{tries} openings in 20 s");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_with_the_first_opening_that_succeeds() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    for _ in 0..3 {
        backend.next(Verb::Open, Act::fail(Fault::Transient));
    }
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.status().counters.open_failed, 3);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn while_openings_fail_one_is_tried_at_a_time() {
    let (backend, builder) = scripted(10);
    let pool = builder.max_connecting(5).build().unwrap();
    backend.always(Verb::Open, Act::take(ms(10)).then_fail(Fault::Transient));
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(waiter(&pool).await);
    }
    tokio::time::sleep(ms(11)).await;
    for _ in 0..500 {
        assert!(pool.status().opening <= 1);
        tokio::time::sleep(ms(7)).await;
    }
    backend.always(Verb::Open, Act::succeed());
    for task in waiting {
        drop(task.await.unwrap().unwrap());
    }
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn busy_asks_again_after_the_time_the_backend_names() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    backend.next(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(10)) }));
    let start = Instant::now();
    let (first, second) = (waiter(&pool).await, waiter(&pool).await);
    tokio::time::sleep(secs(1)).await;
    drop(lease); // local returns serve the queue meanwhile
    let first = first.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), secs(1));
    let second = second.await.unwrap().unwrap();
    assert_eq!(start.elapsed(), secs(10));
    drop((first, second));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_opening_is_told_and_frees_the_place() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.next(Verb::Open, Act::panic());
    let error = pool.acquire().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("panicked: scripted panic"), "{cause}");
    assert_eq!(pool.status().size(), 0);
    tokio::time::sleep(secs(2)).await;
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn min_idle_is_kept_from_the_start() {
    let (backend, builder) = scripted(4);
    let pool = builder.min_idle(2).build().unwrap();
    quiet().await;
    assert_eq!(pool.status().idle, 2);
    let leases = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    quiet().await;
    assert_eq!((pool.status().idle, pool.status().leased), (2, 2));
    let third = pool.acquire().await.unwrap();
    quiet().await;
    assert_eq!(pool.status().size(), 4); // never beyond max_size
    drop((leases, third));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_causes_no_logins_for_stock() {
    let (backend, builder) = scripted(2);
    let pool = builder.min_idle(1).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Rejected));
    tokio::time::sleep(secs(3_600)).await; // would never end if anything spun
    assert_eq!(backend.book().open_calls, 1);
    assert!(pool.acquire().await.is_err()); // a caller may try again
    assert_eq!(backend.book().open_calls, 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_rejection_stands_a_newcomer_waits_for_sessions_that_live() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Rejected));
    assert!(pool.acquire().await.is_err()); // tried, and told
    let newcomer = waiter(&pool).await;
    quiet().await;
    assert_eq!((pool.status().waiters, backend.book().open_calls), (1, 2));
    drop(lease);
    drop(newcomer.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_between_openings_grows_with_each_failure_and_is_random() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(3_600)).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let waiting = waiter(&pool).await;
    let mut gaps = Vec::new();
    let mut last = Instant::now();
    for call in 1..=30 {
        backend.called(Verb::Open, call).await;
        gaps.push(last.elapsed());
        last = Instant::now();
    }
    for (failures, gap) in gaps.iter().enumerate().skip(1) {
        let most = ms(100).saturating_mul(1 << (failures - 1).min(16)).min(secs(10));
        assert!(*gap <= most + ms(1), "{gap:?} after {failures} failures");
    }
    let early: Duration = gaps[1..5].iter().sum();
    let late: Duration = gaps[26..30].iter().sum();
    assert!(late > early, "{early:?}, {late:?}");
    let longest = gaps.iter().max().unwrap();
    assert!(gaps[10..].iter().any(|gap| *gap < *longest / 2), "all the same: {gaps:?}");
    waiting.abort();
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_time_the_backend_names_it_is_not_hammered() {
    let named = [Some(Duration::ZERO), Some(Duration::MAX), None];
    for retry_after in named {
        let (backend, builder) = scripted(1);
        let pool = builder.acquire_timeout(secs(20)).build().unwrap();
        backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after }));
        assert!(pool.acquire().await.unwrap_err().is_timeout());
        assert!(backend.book().open_calls < 200, "{retry_after:?}");
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_or_backend_is_tried_again() {
    for fault in [Fault::SessionLost, Fault::BackendLost] {
        let (backend, builder) = scripted(1);
        let pool = builder.build().unwrap();
        backend.next(Verb::Open, Act::fail(fault));
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn stock_is_tried_again_with_nobody_waiting_until_it_is_there() {
    let (backend, builder) = scripted(2);
    let pool = builder.min_idle(1).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    tokio::time::sleep(secs(600)).await;
    let tries = backend.book().open_calls;
    assert!((60..600).contains(&tries), "{tries} openings in ten minutes");
    backend.always(Verb::Open, Act::succeed());
    tokio::time::sleep(secs(11)).await;
    assert_eq!(pool.status().idle, 1);
    end(&backend, &pool).await;
}
