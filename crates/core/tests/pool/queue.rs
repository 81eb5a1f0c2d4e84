use super::*;

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_the_order_they_came() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..20 {
        let (pool, served) = (pool.clone(), served.clone());
        let task = tokio::spawn(async move {
            let lease = pool.acquire().await.unwrap();
            served.lock().unwrap().push(number);
            drop(lease);
        });
        tasks.push(task);
        quiet().await;
    }
    drop(lease);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), (0..20).collect::<Vec<_>>());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_a_waiter() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let waiting = waiter(&pool).await;
    // The session comes back; the waiter has yet to run.
    drop(lease);
    assert!(pool.try_acquire().is_err());
    let newcomer = pool.acquire_with(AcquireOptions::new().timeout(Duration::ZERO)).await;
    assert!(newcomer.unwrap_err().is_timeout());
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_the_next_away_at_once() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_waiters(2).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let (first, second) = (waiter(&pool).await, waiter(&pool).await);
    let start = tokio::time::Instant::now();
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::QueueFull { .. }), "{error}");
    assert!(error.is_overload());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!((pool.status().waiters, pool.status().counters.queue_full), (2, 1));
    drop(lease);
    drop(first.await.unwrap().unwrap());
    drop(second.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_none_lends_idle_sessions_only() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_waiters(0).min_idle(1).build().unwrap();
    assert!(pool.acquire().await.unwrap_err().is_overload());
    quiet().await; // the stock of one is opened in the background
    let lease = pool.acquire().await.unwrap();
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_granted_waiter_that_is_dropped_passes_its_grant_on() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let mut granted = Box::pin(pool.acquire());
    assert!(futures_poll(granted.as_mut()).is_none());
    let next = waiter(&pool).await;
    drop(lease); // granted to the first, which is not polled any more
    assert_eq!((pool.status().waiters, pool.status().leased), (1, 1));
    drop(granted);
    assert_eq!((pool.status().waiters, pool.status().leased), (0, 1));
    drop(next.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_granted_waiter_that_is_dropped_leaves_the_session_idle() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let mut granted = Box::pin(pool.acquire());
    assert!(futures_poll(granted.as_mut()).is_none());
    drop(lease);
    drop(granted);
    assert_eq!((pool.status().idle, pool.status().leased), (1, 0));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_leaves_the_queue() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_waiters(3).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let (first, middle, last) = (waiter(&pool).await, waiter(&pool).await, waiter(&pool).await);
    middle.abort();
    quiet().await;
    assert_eq!((pool.status().waiters, pool.status().counters.cancelled), (2, 1));
    drop(lease);
    drop(first.await.unwrap().unwrap());
    drop(last.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_waiter_polled_by_another_task_is_woken_there() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let owned = pool.clone();
    let mut moved = Box::pin(async move { owned.acquire().await });
    assert!(futures_poll(moved.as_mut()).is_none());
    let task = tokio::spawn(moved);
    quiet().await;
    drop(lease);
    drop(task.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

/// Polls once, with a waker nobody listens to.
fn futures_poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut cx) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}
