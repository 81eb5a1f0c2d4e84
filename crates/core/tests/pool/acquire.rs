use super::*;
use sessionpool_core::TryAcquireError;

#[tokio::test(start_paused = true)]
async fn a_returned_session_is_lent_again() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let first = pool.acquire().await.unwrap().id();
    for _ in 0..10 {
        assert_eq!(pool.acquire().await.unwrap().id(), first);
    }
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn the_session_that_came_back_last_is_lent_first() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let last = second.id();
    drop(first);
    drop(second);
    assert_eq!(pool.acquire().await.unwrap().id(), last);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn max_size_holds_at_every_instant() {
    let (backend, builder) = scripted(3);
    let pool = builder.max_connecting(8).build().unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|turn| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut lease = pool.acquire().await.unwrap();
                tokio::time::sleep(ms(turn % 7)).await;
                if turn % 3 == 0 {
                    lease.set_dirty();
                }
                balanced(&pool.status());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(backend.book().peak, 3);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn try_acquire_never_waits_and_opens_nothing() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::NoneIdle));
    assert_eq!(backend.book().open_calls, 0);
    drop(pool.acquire().await.unwrap());
    let lease = pool.try_acquire().unwrap();
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::NoneIdle));
    drop(lease);
    pool.close(secs(1)).await;
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Closed));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_acquire_of_no_time_takes_an_idle_session_or_nothing() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let at_once = || pool.acquire_with(AcquireOptions::new().timeout(Duration::ZERO));
    let error = at_once().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(backend.book().open_calls, 0);
    drop(pool.acquire().await.unwrap());
    drop(at_once().await.unwrap());
    balanced(&pool.status());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_without_end_waits_without_end() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(Duration::MAX).idle_timeout(Duration::MAX).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = waiter(&pool).await;
    tokio::time::advance(secs(1_000_000)).await;
    quiet().await;
    assert_eq!(pool.status().waiters, 1);
    drop(lease);
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn acquire_timeout_is_one_deadline_over_queueing_and_opening() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(3)).build().unwrap();
    backend.next(sessionpool_testkit::Verb::Open, sessionpool_testkit::Act::take(secs(2)));
    let first = pool.acquire().await.unwrap();
    let start = tokio::time::Instant::now();
    let error = pool.acquire().await.unwrap_err();
    assert!(error.is_timeout() && error.is_overload(), "{error}");
    assert_eq!(start.elapsed(), secs(3));
    drop(first);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn one_call_may_have_its_own_timeout() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let start = tokio::time::Instant::now();
    let long = waiter_with(&pool, AcquireOptions::new().timeout(secs(60))).await;
    let short = waiter_with(&pool, AcquireOptions::new().timeout(ms(20))).await;
    let middle = waiter(&pool).await;
    assert!(short.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), ms(20));
    assert!(middle.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), secs(30));
    drop(lease);
    drop(long.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn with_gives_the_session_back_on_every_way_out() {
    #[derive(Debug, thiserror::Error)]
    #[error("work failed")]
    struct Failed;
    impl From<AcquireError> for Failed {
        fn from(_: AcquireError) -> Self {
            Self
        }
    }
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    pool.with(async |_| Ok::<_, Failed>(())).await.unwrap();
    pool.with(async |_| Err::<(), _>(Failed)).await.unwrap_err();
    let panicked = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.with(async |lease| {
                if lease.id() > 0 {
                    panic!("in the work");
                }
                Ok::<_, Failed>(())
            })
            .await
        }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    let cancelled = pool.with(async |_| {
        std::future::pending::<()>().await;
        Ok::<_, Failed>(())
    });
    assert!(tokio::time::timeout(ms(10), cancelled).await.is_err());
    quiet().await;
    assert_eq!((pool.status().leased, pool.status().idle), (0, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leapt_before_the_first_acquire_takes_no_time_from_it() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    tokio::time::sleep(secs(60)).await;
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test]
async fn a_clock_paused_in_the_middle_takes_no_time_from_a_waiter() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(secs(60)).await;
    let start = tokio::time::Instant::now();
    assert!(pool.acquire().await.unwrap_err().is_timeout());
    let waited = start.elapsed(); // a timer rounds up to the millisecond
    assert!(waited >= secs(30) && waited <= ms(30_001), "{waited:?}");
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_a_wait_that_goes_through_all_phases() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(10)).build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    let start = tokio::time::Instant::now();
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(6)).await; // queueing
    backend.always(sessionpool_testkit::Verb::Open, sessionpool_testkit::Act::take(secs(5)));
    lease.lose(sessionpool_core::Fault::SessionLost);
    drop(lease); // closing, then opening
    assert!(waiting.await.unwrap().unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), secs(10));
    end(&backend, &pool).await;
}
