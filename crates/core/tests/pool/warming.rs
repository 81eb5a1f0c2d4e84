use std::sync::Mutex;

use super::*;
use sessionpool_core::{Fault, Pause};
use sessionpool_testkit::{Act, ScriptedError, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn warm_up_opens_ahead_of_time_and_tells_how_many_are_warm() {
    let (backend, builder) = scripted(5);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::take(secs(1)));
    let start = Instant::now();
    assert_eq!(pool.warm_up(4).await, 4);
    assert_eq!(start.elapsed(), secs(2)); // two at once
    assert_eq!((pool.status().idle, backend.book().opened), (4, 4));
    assert_eq!(pool.warm_up(3).await, 3);
    assert_eq!(pool.warm_up(0).await, 0);
    assert_eq!(start.elapsed(), secs(2));
    assert_eq!(pool.warm_up(50).await, 5); // all there may be
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_counts_what_is_lent_and_holds_up_nobody() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::take(secs(1)));
    let warming = tokio::spawn({
        let pool = pool.clone();
        async move { pool.warm_up(4).await }
    });
    quiet().await;
    let start = Instant::now();
    let leases = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    assert_eq!(start.elapsed(), secs(1));
    assert_eq!(warming.await.unwrap(), 4);
    assert_eq!((pool.status().idle, backend.book().opened), (2, 4));
    drop(leases);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_opens_no_more_than_may_stay_idle() {
    let (backend, builder) = scripted(10);
    let pool = builder.max_idle(3).build().unwrap();
    assert_eq!(pool.warm_up(8).await, 3);
    assert_eq!((backend.book().opened, pool.status().counters.closed.total()), (3, 0));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_tries_again_for_as_long_as_an_acquire_would_wait() {
    let (backend, builder) = scripted(4);
    let pool = builder.acquire_timeout(secs(20)).build().unwrap();
    for _ in 0..3 {
        backend.next(Verb::Open, Act::fail(Fault::Transient));
    }
    assert_eq!(pool.warm_up(2).await, 2);

    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let start = Instant::now();
    assert_eq!(pool.warm_up(4).await, 2);
    assert_eq!(start.elapsed(), secs(20));
    quiet().await;
    let tried = backend.book().calls(Verb::Open);
    tokio::time::sleep(secs(600)).await;
    assert_eq!(backend.book().calls(Verb::Open), tried); // nobody wants more
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_ends_at_once_when_the_remote_end_rejects() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Rejected));
    let start = Instant::now();
    assert_eq!(pool.warm_up(4).await, 0);
    assert_eq!((start.elapsed(), backend.book().calls(Verb::Open)), (secs(0), 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_ends_with_the_pool_and_waits_while_it_is_paused() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    pool.pause(Pause::Wait);
    let warming = |pool: ScriptedPool| async move { pool.warm_up(2).await };
    let first = tokio::spawn(warming(pool.clone()));
    tokio::time::sleep(secs(5)).await;
    assert!(!first.is_finished());
    pool.resume();
    assert_eq!(first.await.unwrap(), 2);

    backend.always(Verb::Open, Act::hang());
    pool.flush();
    let second = tokio::spawn(warming(pool.clone()));
    tokio::time::sleep(secs(5)).await;
    let start = Instant::now();
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close(secs(60)).await }
    });
    assert_eq!((second.await.unwrap(), start.elapsed()), (0, secs(0)));
    closing.await.unwrap();
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_that_is_dropped_opens_no_more() {
    let (backend, builder) = scripted(6);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::take(secs(1)));
    assert!(tokio::time::timeout(ms(1_500), pool.warm_up(6)).await.is_err());
    tokio::time::sleep(secs(60)).await;
    assert_eq!(backend.book().opened, 4); // those under way, too
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn warm_up_with_works_on_each_session_once_and_counts_where_it_succeeded() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let lent = pool.acquire().await.unwrap();
    let worked = Mutex::new(Vec::new());
    let warm = pool
        .warm_up_with(4, async |lease| {
            let session = Lease::id(lease);
            worked.lock().unwrap().push(session);
            lease.write("warm").await?;
            lease.set_dirty(); // cleaned before it counts
            if session == 3 { Err(Failed) } else { Ok(()) }
        })
        .await;
    assert_eq!(warm, 2);
    let mut worked = worked.into_inner().unwrap();
    worked.sort_unstable();
    assert_eq!(worked, [2, 3, 4]); // the first is lent
    drop(lent);
    quiet().await;
    assert_eq!((pool.status().idle, backend.book().calls(Verb::Release)), (4, 3));
    end(&backend, &pool).await;
}

#[derive(Debug)]
struct Failed;

impl From<ScriptedError> for Failed {
    fn from(_: ScriptedError) -> Self {
        Self
    }
}

#[test]
fn warm_up_outside_of_a_runtime_opens_nothing() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let (_, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let warming = pin!(pool.warm_up(4));
    let answer = warming.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(answer, Poll::Ready(0)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn warm_up_with_works_on_no_more_sessions_than_are_wanted_though_none_lasts() {
    let breaks: [fn(&mut ScriptedLease); 2] = [
        |_| {}, // worn by its one use
        |lease| lease.lose(Fault::SessionLost),
    ];
    for work_on in breaks {
        let (backend, builder) = scripted(4);
        let pool = builder.max_uses(1).build().unwrap();
        backend.always(Verb::Open, Act::take(secs(1)));
        let work = async |lease: &mut ScriptedLease| {
            tokio::time::sleep(secs(2)).await; // another one is open by then
            work_on(lease);
            Ok::<_, Failed>(())
        };
        let _ = pool.warm_up_with(2, work).await;
        assert_eq!(pool.status().counters.acquired, 2);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn warm_up_with_works_on_as_many_idle_sessions_as_are_wanted() {
    let (backend, builder) = scripted(5);
    let pool = builder.build().unwrap();
    assert_eq!(pool.warm_up(5).await, 5);
    assert_eq!(pool.warm_up_with(2, async |_| Ok::<_, Failed>(())).await, 2);
    assert_eq!(pool.status().counters.acquired, 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_warm_up_leaves_no_task_on_an_empty_pool() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(60)) }));
    assert!(tokio::time::timeout(secs(1), pool.warm_up(1)).await.is_err());
    quiet().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    end(&backend, &pool).await;
}

#[test]
fn a_warm_up_goes_on_when_the_runtime_that_opened_for_it_dies() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(Duration::MAX).build().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    backend.next(Verb::Open, Act::hang());
    let (first, second) = (runtime(), runtime());
    first.block_on(async {
        let waiting = waiter(&pool).await;
        waiting.abort();
        quiet().await;
    });
    assert_eq!(pool.status().opening, 1); // on the first
    second.block_on(async {
        let warming = tokio::spawn({
            let pool = pool.clone();
            async move { pool.warm_up(1).await }
        });
        quiet().await;
        tokio::task::spawn_blocking(move || drop(first)).await.unwrap();
        assert_eq!(warming.await.unwrap(), 1);
        end(&backend, &pool).await;
    });
}

#[test]
fn a_warm_up_of_a_paused_pool_goes_on_when_it_is_resumed_outside_of_a_runtime() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(Duration::MAX).build().unwrap();
    pool.pause(Pause::Wait);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let warming = tokio::spawn({
            let pool = pool.clone();
            async move { pool.warm_up(1).await }
        });
        quiet().await;
        let resuming = pool.clone();
        std::thread::spawn(move || resuming.resume()).join().unwrap();
        assert_eq!(warming.await.unwrap(), 1);
        end(&backend, &pool).await;
    });
}
