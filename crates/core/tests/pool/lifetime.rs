use super::*;
use sessionpool_core::Fault;
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn no_session_is_lent_or_kept_beyond_its_lifetime() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_lifetime(secs(100)).idle_timeout(None).build().unwrap();
    for second in 0..400 {
        let lease = pool.acquire().await.unwrap();
        assert!(Lease::age(&lease) < secs(100), "{:?} at {second} s", Lease::age(&lease));
        drop(lease);
        tokio::time::sleep(secs(1)).await;
    }
    let opened = backend.book().opened;
    assert!((4..=5).contains(&opened), "{opened} sessions of 80 to 100 s in 400 s");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_grew_old_while_leased_ends_when_it_comes_back() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(101)).await;
    assert_eq!(pool.status().leased, 1); // nobody takes it away
    let waiting = waiter(&pool).await;
    drop(lease);
    assert_eq!(waiting.await.unwrap().unwrap().id(), 2);
    assert_eq!(pool.status().counters.closed.worn, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_when_it_is_old_without_anybody_asking() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_lifetime(secs(100)).idle_timeout(None).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(101)).await;
    assert_eq!((pool.status().size(), pool.status().counters.closed.worn), (0, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn sessions_opened_together_do_not_end_together() {
    let (backend, builder) = scripted(1_000);
    let builder = builder.max_connecting(1_000).idle_timeout(None);
    let pool = builder.max_lifetime(secs(1_000)).build().unwrap();
    let mut leases = Vec::new();
    for _ in 0..1_000 {
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases);
    tokio::time::sleep(secs(799)).await;
    assert_eq!(pool.status().idle, 1_000);
    let mut before = 1_000;
    for _ in 0..202 {
        tokio::time::sleep(secs(1)).await;
        let now = pool.status().idle;
        assert!(before - now < 40, "{} of 1,000 in one second", before - now);
        before = now;
    }
    assert_eq!(before, 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn where_there_is_room_the_successor_is_opened_first() {
    let (backend, builder) = scripted(4);
    let builder = builder.min_idle(2).max_lifetime(secs(100)).idle_timeout(None);
    let pool = builder.build().unwrap();
    quiet().await;
    backend.always(Verb::Open, Act::take(ms(300)));
    for _ in 0..3_000 {
        tokio::time::sleep(ms(100)).await;
        let book = backend.book();
        assert!(book.opened - book.ended() >= 2, "{}", pool.status());
    }
    let worn = pool.status().counters.closed.worn;
    assert!((4..=8).contains(&worn), "{worn} ended in 300 s");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_the_old_one_makes_it() {
    let (backend, builder) = scripted(1);
    let pool = builder.min_idle(1).max_lifetime(secs(100)).idle_timeout(None).build().unwrap();
    quiet().await;
    tokio::time::sleep(secs(101)).await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.worn), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_lent_max_uses_times() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_uses(3).build().unwrap();
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(pool.acquire().await.unwrap().id());
    }
    assert_eq!(ids, [1, 1, 1, 2, 2, 2, 3]);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn lifetimes_may_be_switched_off() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_lifetime(None).idle_timeout(None).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(1_000_000)).await;
    assert_eq!(pool.status().idle, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_successor_takes_the_place_of_the_old_one_in_a_full_stock() {
    let (backend, builder) = scripted(3);
    let builder = builder.max_idle(1).min_idle(1).max_lifetime(secs(100)).idle_timeout(None);
    let pool = builder.build().unwrap();
    backend.always(Verb::Open, Act::take(ms(100)));
    tokio::time::sleep(secs(120)).await;
    let closed = pool.status().counters.closed;
    assert_eq!((backend.book().opened, closed.worn, closed.surplus), (2, 1, 0));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_session_grew_old_in_its_check_gets_another() {
    let (backend, builder) = scripted(2);
    let builder = builder.max_lifetime(secs(100)).idle_timeout(None).check_timeout(secs(60));
    let pool = builder.acquire_timeout(secs(300)).build().unwrap();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(50)).await;
    let young = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(10)).await;
    drop(young);
    tokio::time::sleep(secs(1)).await;
    drop(old); // on top of the stack
    tokio::time::sleep(secs(15)).await;
    backend.next(Verb::Check, Act::take(secs(30)));
    let start = Instant::now();
    let waiting = waiter(&pool).await;
    assert_eq!(waiting.await.unwrap().unwrap().id(), 2);
    assert_eq!(start.elapsed(), secs(30));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_in_time_below_a_younger_one() {
    let (backend, builder) = scripted(2);
    let builder = builder.max_lifetime(secs(100)).idle_timeout(None);
    let pool = builder.acquire_timeout(Duration::MAX).build().unwrap();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(70)).await;
    let young = pool.acquire().await.unwrap();
    drop(old);
    tokio::time::sleep(ms(100)).await;
    drop(young);
    tokio::time::sleep(secs(1)).await;
    backend.next(Verb::Check, Act::take(secs(1))); // of the young one
    backend.next(Verb::Check, Act::take(secs(2))); // of the old one, which goes below
    let waiting = [waiter(&pool).await, waiter(&pool).await];
    quiet().await;
    waiting.iter().for_each(|task| task.abort());
    tokio::time::sleep(secs(30)).await;
    assert_eq!((pool.status().idle, pool.status().counters.closed.worn), (1, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_comes_back_old_is_closed_once_its_successor_is_open() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(101)).await;
    backend.always(Verb::Open, Act::take(ms(300)));
    let waiting = waiter(&pool).await;
    quiet().await;
    drop(old);
    tokio::time::sleep(ms(299)).await;
    assert_eq!((backend.book().closed, pool.status().closing), (0, 1));
    let lease = waiting.await.unwrap().unwrap();
    quiet().await;
    assert_eq!((Lease::id(&lease), backend.book().closed), (2, 1));
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_found_old_at_lending_is_closed_once_its_successor_is_open() {
    let (backend, builder) = scripted(2);
    let builder = builder.max_lifetime(secs(100)).idle_timeout(None).check_timeout(secs(60));
    let pool = builder.acquire_timeout(secs(300)).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(75)).await;
    backend.next(Verb::Check, Act::take(secs(30)));
    backend.always(Verb::Open, Act::take(ms(300)));
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(30) + ms(299)).await;
    assert_eq!((backend.book().closed, pool.status().closing), (0, 1));
    assert_eq!(waiting.await.unwrap().unwrap().id(), 2);
    assert_eq!(backend.book().closed, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_session_in_whose_place_somebody_needs_one_is_closed_at_once() {
    let (backend, builder) = scripted(3);
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let (old, other) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    tokio::time::sleep(secs(101)).await;
    backend.always(Verb::Open, Act::take(ms(300)));
    let first = waiter(&pool).await;
    quiet().await;
    drop(old);
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().opening), (0, 1)); // it waits for that
    let second = waiter(&pool).await; // and has the last place
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().opening), (1, 2));
    drop((first.await.unwrap(), second.await.unwrap(), other));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_session_waits_for_no_successor_that_nobody_needs_or_that_fails() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(101)).await;
    drop(old);
    quiet().await;
    assert_eq!((backend.book().opened, backend.book().closed), (1, 1));

    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(101)).await;
    backend.next(Verb::Open, Act::take(ms(300)).then_fail(Fault::Transient));
    let waiting = waiter(&pool).await;
    quiet().await;
    drop(old);
    tokio::time::sleep(ms(299)).await;
    assert_eq!(backend.book().closed, 1);
    tokio::time::sleep(ms(1)).await;
    quiet().await;
    assert_eq!(backend.book().closed, 2);
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

/// A pool with one session out and another that came back old, while an opening is under
/// way for somebody.
pub(crate) async fn one_waits(
    backend: &Scripted,
    builder: PoolBuilder<ScriptedSession>,
) -> (ScriptedPool, ScriptedLease, JoinHandle<Acquired>) {
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let (old, other) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    tokio::time::sleep(secs(101)).await;
    backend.next(Verb::Open, Act::take(secs(10)));
    let waiting = waiter(&pool).await;
    quiet().await;
    drop(old);
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().closing, pool.status().opening), (0, 1, 1));
    (pool, other, waiting)
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_closes_ends_old_sessions_at_once() {
    let (backend, builder) = scripted(3);
    let (pool, other, waiting) = one_waits(&backend, builder).await;
    drop(other);
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close(secs(60)).await }
    });
    quiet().await;
    assert_eq!(backend.book().closed, 2);
    assert!(closing.await.unwrap().is_complete());
    assert!(waiting.await.unwrap().is_err());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_made_smaller_keeps_no_old_session_beyond_its_size() {
    let (backend, builder) = scripted(3);
    let (pool, other, waiting) = one_waits(&backend, builder).await;
    waiting.abort();
    quiet().await;
    pool.resize(2).unwrap();
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().size()), (1, 2));
    drop(other);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_the_old_sessions_that_wait() {
    let (backend, builder) = scripted(4);
    let (pool, other, waiting) = one_waits(&backend, builder).await;
    backend.next(Verb::Open, Act::take(secs(10)));
    pool.flush();
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().opening), (1, 2));
    drop((other, waiting.await.unwrap().unwrap()));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_session_waits_for_no_opening_from_before_a_flush() {
    let (backend, builder) = scripted(3);
    let builder = builder.max_lifetime(secs(10)).connect_timeout(secs(200));
    let pool = builder.build().unwrap();
    backend.next(Verb::Open, Act::take(secs(100)));
    let given_up = waiter(&pool).await;
    quiet().await;
    given_up.abort();
    pool.flush();
    let old = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(11)).await;
    drop(old);
    quiet().await;
    assert_eq!((pool.status().opening, backend.book().closed), (1, 1));
    tokio::time::sleep(secs(100)).await;
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_session_waits_for_the_opening_that_was_under_way_and_not_for_the_next() {
    let (backend, builder) = scripted(4);
    let builder = builder.max_connecting(1).acquire_timeout(secs(60));
    let (pool, other, first) = one_waits(&backend, builder).await;
    backend.next(Verb::Open, Act::take(secs(10)));
    let second = waiter(&pool).await;
    tokio::time::sleep(secs(10)).await;
    quiet().await;
    assert_eq!((backend.book().closed, pool.status().opening), (1, 1));
    drop((other, first.await.unwrap(), second.await.unwrap()));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_lent_often_enough_waits_for_nothing() {
    let (backend, builder) = scripted(3);
    let pool = builder.max_uses(1).max_lifetime(secs(100)).build().unwrap();
    for age in [0, 101] {
        let used = pool.acquire().await.unwrap();
        tokio::time::sleep(secs(age)).await;
        backend.next(Verb::Open, Act::take(ms(300)));
        let waiting = waiter(&pool).await;
        quiet().await;
        let before = backend.book().closed;
        drop(used);
        quiet().await;
        assert_eq!((backend.book().closed - before, pool.status().opening), (1, 1));
        drop(waiting.await.unwrap().unwrap());
        quiet().await;
    }
    end(&backend, &pool).await;
}

#[test]
fn an_old_session_that_waits_for_its_successor_ends_with_its_runtime() {
    let (backend, builder) = scripted(2);
    let pool = builder.max_lifetime(secs(100)).build().unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let old = pool.acquire().await.unwrap();
        tokio::time::sleep(secs(101)).await;
        backend.next(Verb::Open, Act::hang());
        let _waiting = waiter(&pool).await;
        quiet().await;
        drop(old);
        quiet().await;
        assert_eq!((backend.book().closed, pool.status().closing), (0, 1));
    });
    drop(runtime);
    assert_eq!((backend.book().aborted, pool.status().size()), (1, 0));
    balanced(&pool.status());
}
