use super::*;
use sessionpool_core::{AcquireError, Fault, Phase, TimedOut};
use sessionpool_testkit::{Act, Verb};

fn timed_out(error: AcquireError) -> TimedOut {
    match error {
        AcquireError::TimedOut(timed_out) => *timed_out,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_the_longest_holders_and_where_they_acquired() {
    let (backend, builder) = scripted(7);
    let pool = builder.name("orders").acquire_timeout(secs(5)).build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..7 {
        leases.push(pool.acquire().await.unwrap());
        tokio::time::sleep(secs(1)).await;
    }
    let line = line!() - 3;
    let error = pool.acquire().await.unwrap_err();
    let text = error.to_string();
    let timed_out = timed_out(error);
    assert_eq!(timed_out.phase, Phase::Queueing);
    assert_eq!((timed_out.queueing, timed_out.opening), (secs(5), Duration::ZERO));
    assert_eq!(timed_out.holders.len(), 5);
    assert_eq!(timed_out.holders[0].held, secs(12));
    assert_eq!(timed_out.holders[0].site.line(), line);
    assert_eq!((timed_out.status.leased, timed_out.status.waiters), (7, 0));
    for part in [
        "pool \"orders\" lent no session within 5s",
        "all 7 are lent",
        "diagnosis.rs",
        "and 2 more",
    ] {
        assert!(text.contains(part), "{text}");
    }
    drop(leases);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_itself_is_told_so() {
    let (backend, builder) = scripted(2);
    let pool = builder.acquire_timeout(secs(1)).build().unwrap();
    let owned = pool.clone();
    let task = tokio::spawn(async move {
        let _outer = owned.acquire().await.unwrap();
        let _second = owned.acquire().await.unwrap();
        owned.acquire().await.unwrap_err()
    });
    let error = task.await.unwrap();
    let text = error.to_string();
    assert_eq!(timed_out(error).held_by_this_task, 2);
    assert!(text.contains("this task already holds 2 sessions of this pool"), "{text}");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn time_is_split_between_queueing_and_opening() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(10)).build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::hang());
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(4)).await;
    lease.lose(Fault::SessionLost);
    drop(lease); // its place is free now, and a session is being opened for the waiter
    let error = waiting.await.unwrap().unwrap_err();
    let text = error.to_string();
    let timed_out = timed_out(error);
    assert_eq!(timed_out.phase, Phase::Opening);
    assert_eq!((timed_out.queueing, timed_out.opening), (secs(4), secs(6)));
    assert!(text.contains("the backend takes longer than that to open one"), "{text}");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_failure_is_reported_with_its_age_and_not_blamed() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(10)).build().unwrap();
    backend.next(Verb::Open, Act::fail(Fault::Transient));
    let lease = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(100)).await;
    let error = pool.acquire().await.unwrap_err();
    assert!(std::error::Error::source(&error).is_none());
    let timed_out = timed_out(error);
    let last = timed_out.last_failure.unwrap();
    assert!(last.age >= secs(110) && last.streak == 0, "{last:?}");
    assert_eq!(timed_out.phase, Phase::Queueing);
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_reads_like_one() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(5)).build().unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let text = pool.acquire().await.unwrap_err().to_string();
    assert!(text.contains("openings failed, the latest"), "{text}");
    assert!(text.contains("(transient failure: scripted open failed"), "{text}");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn status_is_one_exact_snapshot() {
    let (backend, builder) = scripted(4);
    let pool = builder.max_connecting(1).build().unwrap();
    let (one, two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(two);
    backend.always(Verb::Open, Act::take(secs(9)));
    backend.always(Verb::Release, Act::take(secs(9)));
    backend.always(Verb::Close, Act::take(secs(4)));
    let mut dirty = pool.acquire().await.unwrap();
    dirty.set_dirty();
    drop(dirty);
    let first = waiter(&pool).await;
    tokio::time::sleep(secs(2)).await;
    let second = waiter(&pool).await;
    let status = pool.status();
    assert_eq!((status.leased, status.idle, status.cleaning, status.opening), (1, 0, 1, 1));
    assert_eq!((status.waiters, status.oldest_waiter), (2, Some(secs(2))));
    assert_eq!(status.size(), 3);
    assert_eq!(
        status.to_string(),
        "3 of 4 sessions (leased 1, opening 1, cleaning 1), 2 waiting (the first for 2.0s)"
    );
    balanced(&status);
    assert_eq!(pool.holders().len(), 1);
    let mut one = one;
    one.lose(Fault::SessionLost);
    drop(one);
    assert_eq!((pool.status().leased, pool.status().closing), (0, 1));
    drop((first.await, second.await));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_made_smaller_has_its_waiters_queue_from_then_on() {
    let (backend, builder) = scripted(2);
    let pool = builder.acquire_timeout(secs(10)).build().unwrap();
    let held = pool.acquire().await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(3_600)) }));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(4)).await;
    pool.resize(1).unwrap(); // nothing more can be opened for it
    let error = waiting.await.unwrap().unwrap_err();
    let AcquireError::TimedOut(timed_out) = error else { panic!("{error}") };
    let TimedOut { phase, opening, queueing, .. } = *timed_out;
    assert_eq!((phase, opening, queueing), (Phase::Queueing, secs(4), secs(6)));
    drop(held);
    end(&backend, &pool).await;
}
