use super::*;
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn closing_fails_waiters_at_once_and_lends_no_more() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = waiter(&pool).await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close(secs(10)).await }
    });
    let start = Instant::now();
    assert!(waiting.await.unwrap().unwrap_err().is_closed());
    assert!(pool.acquire().await.unwrap_err().is_closed());
    let no_time = AcquireOptions::new().timeout(Duration::ZERO);
    assert!(pool.acquire_with(no_time).await.unwrap_err().is_closed());
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(lease);
    assert!(closing.await.unwrap().is_complete());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn close_awaits_leases_until_the_deadline_and_names_the_rest() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let (soon, never) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    tokio::spawn(async move {
        tokio::time::sleep(secs(1)).await;
        drop(soon);
    });
    let start = Instant::now();
    let report = pool.close(secs(3)).await;
    assert_eq!(start.elapsed(), secs(3));
    assert_eq!((report.closed, report.failed, report.still_out.len()), (1, 0, 1));
    assert_eq!(report.still_out[0].held, secs(3));
    assert!(report.to_string().contains("closing.rs"), "{report}");
    drop(never); // abandoned, and ended all the same
    backend.ended(2).await;
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn any_number_may_close_and_all_are_told_the_same() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    drop([pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]);
    backend.always(Verb::Close, Act::take(ms(100)));
    let (first, second) = tokio::join!(pool.close(secs(1)), pool.close(secs(2)));
    assert_eq!(first, second);
    assert_eq!(first.closed, 2);
    assert_eq!(pool.close(Duration::ZERO).await, first);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn closing_ends_what_is_being_opened() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.next(Verb::Open, Act::take(secs(1)));
    let waiting = waiter(&pool).await;
    backend.called(Verb::Open, 1).await;
    let start = Instant::now();
    let report = pool.close(secs(5)).await;
    assert_eq!((start.elapsed(), report.closed), (secs(1), 1));
    assert!(waiting.await.unwrap().unwrap_err().is_closed());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn closing_skips_the_cleaning() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    pool.close(Duration::ZERO).await;
    drop(lease);
    end(&backend, &pool).await;
    assert_eq!(backend.book().calls(Verb::Release), 0);
    assert_eq!(pool.status().counters.closed.pool_closed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_close_is_counted_in_the_report() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    backend.next(Verb::Close, Act::fail(sessionpool_core::Fault::Other));
    let report = pool.close(secs(1)).await;
    assert_eq!((report.closed, report.failed), (0, 1));
    assert!(!report.is_complete());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_dropped_has_closed_the_pool() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    assert!(tokio::time::timeout(ms(1), pool.close(secs(5))).await.is_err());
    assert!(pool.is_closed());
    drop(lease);
    end(&backend, &pool).await;
}
