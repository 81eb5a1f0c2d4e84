//! The backend in a pool.

use std::time::Duration;

use sessionpool_core::{AcquireError, AcquireOptions, Closed, Pool};
use sessionpool_emulator::Fault;
use sessionpool_tenten::{LoginType, Query, TentenSession};

use crate::common::{NUMBERS, all_free, group, other_group, soon, start, user};

const CLOSE: Duration = Duration::from_secs(5);
/// Waits until the pool has booked the end of its sessions, which follows the gateway's.
async fn closed(pool: &Pool<TentenSession>, done: fn(&Closed) -> bool) {
    soon("the end in the pool's books", async {
        while !done(&pool.status().counters.closed) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_single_users_pool_has_one_place() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).build().expect("valid");
    let error = Pool::builder(tenten.clone()).max_size(2).build().expect_err("too many");
    assert_eq!(
        error.to_string(),
        "max_size is 2, but at most 1 is possible: a user ID has one session at the gateway; \
         take a SAM pool for more"
    );
    let pool = Pool::builder(tenten).build().expect("valid");
    assert_eq!(pool.status().max_size, 1);
    drop(pool.acquire().await.expect("lent"));
    assert!(pool.close(CLOSE).await.is_complete());
    assert_eq!(emulator.book().sessions_ended, 1);
}

#[tokio::test]
async fn a_groups_members_bound_its_pools_where_they_are_known() {
    let emulator = start(3).await;
    let tenten = group(&emulator).sam_members(3).build().expect("valid");
    assert!(Pool::builder(tenten.clone()).max_size(4).build().is_err());
    assert_eq!(Pool::builder(tenten).build().expect("valid").status().max_size, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_tasks_over_eight_ids_log_in_eight_times() {
    let emulator = start(8).await;
    let tenten = group(&emulator).build().expect("valid");
    let pool = Pool::builder(tenten.clone()).max_size(8).build().expect("valid");
    let tasks: Vec<_> = (0..64_u32)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut session = pool.acquire().await.expect("lent");
                let mut query = Query::new(NUMBERS, format!("<sel value=\"(n={n})\"/>"));
                let row = query.row(&mut session, 0).await.expect("fetched").expect("there");
                assert_eq!(row.get::<i64>("n").expect("a number"), i64::from(n));
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let book = emulator.book();
    assert!(book.calls("login") <= 8 && book.calls("getuid") == book.calls("login"), "{book:?}");
    assert!(pool.close(CLOSE).await.is_complete());
    all_free(&emulator).await;
    assert!(tenten.sam_report().is_settled());
    assert_eq!(emulator.book().calls("reluid"), book.calls("getuid"));
}

#[tokio::test]
async fn a_warm_lease_costs_no_request() {
    let emulator = start(1).await;
    let pool = Pool::builder(group(&emulator).build().expect("valid")).build().expect("valid");
    drop(pool.acquire().await.expect("lent"));
    let before = emulator.requests().len();
    for _ in 0..10 {
        drop(pool.acquire().await.expect("lent"));
    }
    assert_eq!(emulator.requests().len(), before);
}

#[tokio::test]
async fn a_session_that_comes_back_serves_a_waiter_though_the_group_is_full() {
    let emulator = start(1).await;
    let tenten = group(&emulator).retry_wait(HOUR).build().expect("valid");
    let pool = Pool::builder(tenten).max_size(2).build().expect("valid");
    let session = pool.acquire().await.expect("lent");
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    soon("a refusal", emulator.until(|book| book.calls("getuid") == 2)).await;
    let before = emulator.requests().len();
    drop(session);
    soon("the session", waiting).await.expect("no panic").expect("lent");
    assert_eq!(emulator.requests().len(), before);
}

#[tokio::test]
async fn a_full_group_is_told_by_the_callers_own_deadline() {
    let emulator = start(1).await;
    let _theirs = other_group(&emulator, "neighbour").build().expect("valid").connect().await;
    let pool = Pool::builder(group(&emulator).build().expect("valid")).build().expect("valid");
    let options = AcquireOptions::new().timeout(Duration::from_secs(2));
    let error = pool.acquire_with(options).await.expect_err("none is free");
    assert!(matches!(error, AcquireError::TimedOut(_)), "{error}");
    assert!(error.to_string().contains("System busy"), "{error}");
    assert!(emulator.book().calls("getuid") > 2, "it asks again");
}

#[tokio::test]
async fn a_refused_login_is_told_at_once_and_is_no_storm() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(Fault::on("login").rc(4, "Invalid user identification").always());
    let pool = Pool::builder(tenten.clone()).build().expect("valid");
    for _ in 0..20 {
        let error = soon("an answer", pool.acquire()).await.expect_err("refused");
        assert!(matches!(error, AcquireError::Failed { .. }), "{error}");
    }
    assert!(emulator.book().calls("login") <= 3, "{}", emulator.book().calls("login"));
    all_free(&emulator).await;
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_good_neighbour_gives_back_at_every_return() {
    let emulator = start(1).await;
    let tenten = group(&emulator).give_back_on_return().build().expect("valid");
    let pool = Pool::builder(tenten).build().expect("valid");
    drop(pool.acquire().await.expect("lent"));
    all_free(&emulator).await;
    drop(pool.acquire().await.expect("lent"));
    all_free(&emulator).await;
    assert_eq!(emulator.book().calls("getuid"), 2);
}

#[tokio::test]
async fn an_idle_session_keeps_its_id_for_a_short_time_only() {
    let emulator = start(1).await;
    let idle = Duration::from_millis(50);
    let tenten = group(&emulator).sam_idle_timeout(idle).build().expect("valid");
    let pool = Pool::builder(tenten).build().expect("valid");
    drop(pool.acquire().await.expect("lent"));
    all_free(&emulator).await;
    closed(&pool, |closed| closed.expired == 1).await;
}

#[tokio::test]
async fn siblings_of_a_full_group_give_an_idle_id_back() {
    let emulator = start(2).await;
    let make = || {
        let tenten = group(&emulator).retry_wait(HOUR).build().expect("valid");
        Pool::builder(tenten).build().expect("valid")
    };
    let (first, second) = (make(), make());
    let kept = first.acquire().await.expect("lent");
    drop(first.acquire().await.expect("lent"));
    assert_eq!(first.status().idle, 1);
    let session = soon("the sibling's ID", second.acquire()).await.expect("lent");
    closed(&first, |closed| closed.recalled == 1).await;
    drop((kept, session));
    assert!(first.close(CLOSE).await.is_complete() && second.close(CLOSE).await.is_complete());
    all_free(&emulator).await;
}

#[tokio::test]
async fn an_id_freed_by_a_sibling_is_taken_at_once() {
    let emulator = start(1).await;
    let make = || group(&emulator).retry_wait(HOUR).build().expect("valid");
    let tenten = make();
    let first = Pool::builder(tenten.clone()).build().expect("valid");
    let second = Pool::builder(make()).build().expect("valid");
    let leased = first.acquire().await.expect("lent");
    // It comes back between the refusal and our hearing of it.
    let refusal = emulator.fault(Fault::on("getuid").hold_reply());
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { second.acquire().await.map(drop) }
    });
    soon("a refusal", emulator.until(|book| book.calls("getuid") == 2)).await;
    leased.discard();
    soon("it in our books", async {
        while tenten.sam_report().given_back == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    refusal.lift();
    soon("the ID", waiting).await.expect("no panic").expect("lent");
}

#[tokio::test]
async fn a_flushed_session_is_not_lent_again() {
    let emulator = start(3).await;
    let tenten = group(&emulator).build().expect("valid");
    let pool = Pool::builder(tenten.clone()).build().expect("valid");
    let leased = pool.acquire().await.expect("lent");
    drop(pool.acquire().await.expect("lent"));
    tenten.flush_pool().await.expect("flushed");
    drop(leased);
    all_free(&emulator).await;
    soon("both ended", emulator.until(|book| book.sessions_ended == 2)).await;
    closed(&pool, |closed| closed.stale == 2).await;
    let fresh = pool.acquire().await.expect("lent");
    assert_eq!(emulator.book().sessions_begun, 3);
    drop(fresh);
}

#[tokio::test]
async fn a_session_that_lost_its_platform_session_is_replaced() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let builder = Pool::builder(tenten.clone()).check_after_idle(Duration::ZERO);
    let pool = builder.build().expect("valid");
    drop(pool.acquire().await.expect("lent"));
    emulator.clock().advance(Duration::from_secs(31 * 60));
    let mut session = soon("another", pool.acquire()).await.expect("lent");
    Query::new(NUMBERS, "").run(&mut session).await.expect("it lives");
    drop(session);
    assert!(pool.close(CLOSE).await.is_complete());
    all_free(&emulator).await;
    assert!(tenten.sam_report().is_settled());
}
