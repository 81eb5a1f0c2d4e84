use super::*;
use sessionpool_core::{Fault, Pause};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_closed_counted_from_its_return() {
    let (backend, builder) = scripted(2);
    let pool = builder.idle_timeout(secs(10)).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(60)).await; // held far longer than the idle time-out
    drop(lease);
    let start = Instant::now();
    tokio::time::sleep(ms(9_990)).await;
    assert_eq!(pool.status().idle, 1);
    backend.ended(1).await;
    assert!(start.elapsed() < ms(10_010), "{:?}", start.elapsed());
    quiet().await;
    assert_eq!(pool.status().counters.closed.expired, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn each_use_starts_the_idle_time_anew() {
    let (backend, builder) = scripted(2);
    let pool = builder.idle_timeout(secs(10)).build().unwrap();
    for _ in 0..5 {
        drop(pool.acquire().await.unwrap());
        tokio::time::sleep(secs(8)).await;
    }
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_never_fall_below_min_idle() {
    let (backend, builder) = scripted(5);
    let pool = builder.min_idle(2).idle_timeout(secs(10)).build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..5 {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases);
    tokio::time::sleep(secs(60)).await;
    assert_eq!(pool.status().idle, 2);
    assert_eq!(backend.book().opened, 5); // closed to two, and none opened anew
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_beyond_max_idle_end_when_they_come_back() {
    let (backend, builder) = scripted(4);
    let pool = builder.max_idle(1).build().unwrap();
    let leases = [
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
    ];
    drop(leases);
    quiet().await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.surplus), (1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_surplus_session_serves_a_waiter_before_it_ends() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_idle(0).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = waiter(&pool).await;
    drop(lease);
    drop(waiting.await.unwrap().unwrap());
    quiet().await;
    assert_eq!((backend.book().opened, pool.status().counters.closed.surplus), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_close_delays_nobody_else() {
    let (backend, builder) = scripted(3);
    let pool = builder.idle_timeout(secs(1)).build().unwrap();
    backend.always(Verb::Close, Act::take(secs(4)));
    drop([pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]);
    tokio::time::sleep(ms(1_001)).await;
    assert_eq!(pool.status().closing, 2);
    let start = Instant::now();
    drop(pool.acquire().await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_with_nothing_open_has_no_task() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (backend, builder) = scripted(2);
    let pool = builder.idle_timeout(secs(1)).build().unwrap();
    assert_eq!(tasks(), 0);
    drop(pool.acquire().await.unwrap());
    assert_eq!(tasks(), 1);
    tokio::time::sleep(secs(2)).await;
    assert_eq!(tasks(), 0);
    drop(pool.acquire().await.unwrap()); // and it starts again
    assert_eq!(tasks(), 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_session_expires_in_time_whatever_else_is_timed() {
    let (backend, builder) = scripted(2);
    let pool = builder.min_idle(1).idle_timeout(secs(600)).build().unwrap();
    quiet().await;
    let first = pool.acquire().await.unwrap();
    quiet().await; // the stock is one again
    let second = pool.acquire().await.unwrap();
    // A deadline far away, whose waiter is served: the janitor sleeps until then.
    let waiting = waiter_with(&pool, AcquireOptions::new().timeout(secs(1_100))).await;
    quiet().await;
    drop(first);
    drop(waiting.await.unwrap().unwrap()); // idle from now on, and the only one
    tokio::time::sleep(secs(590)).await;
    drop(second); // one too many from now on
    tokio::time::sleep(secs(11)).await;
    assert_eq!(pool.status().idle, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_nobody_waits_for_has_no_task_though_it_holds_back() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let busy = Fault::Busy { retry_after: Some(secs(3_600)) };
    backend.always(Verb::Open, Act::fail(busy));
    let patient = AcquireOptions::new().timeout(secs(7_200));
    assert!(tokio::time::timeout(ms(5), pool.acquire_with(patient)).await.is_err());
    quiet().await;
    assert_eq!(tasks(), 0);
    assert!(pool.acquire().await.is_err()); // and by a time-out
    quiet().await;
    assert_eq!(tasks(), 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_pool_with_nothing_open_has_no_task() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for pause in [Pause::Wait, Pause::Fail] {
        let (backend, builder) = scripted(1);
        let min_idle = usize::from(pause == Pause::Wait);
        let pool = builder.min_idle(min_idle).build().unwrap();
        let busy = Fault::Busy { retry_after: Some(secs(3_600)) };
        backend.always(Verb::Open, Act::fail(busy));
        let waiting = match pause {
            Pause::Fail => Some(waiter(&pool).await),
            _ => None, // it is there for its stock
        };
        quiet().await;
        assert!(tasks() > 0);
        pool.pause(pause);
        if let Some(waiting) = waiting {
            assert!(matches!(waiting.await.unwrap(), Err(AcquireError::Paused)));
        }
        quiet().await;
        assert_eq!(tasks(), 0);
        pool.resume();
        quiet().await;
        assert_eq!(tasks(), min_idle);
        end(&backend, &pool).await;
    }
}
