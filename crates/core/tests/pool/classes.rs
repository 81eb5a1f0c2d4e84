use super::*;
use sessionpool_core::{Fault, Phase, Session, TxError, TxOptions};
use sessionpool_testkit::{Act, Verb};

const REPORT: &str = "report";

fn report() -> AcquireOptions {
    AcquireOptions::new().class(REPORT)
}

/// Two of four sessions may be lent for reports.
fn reports() -> (Scripted, PoolBuilder<ScriptedSession>) {
    let (backend, builder) = scripted(4);
    (backend, builder.limit(REPORT, 2))
}

#[tokio::test(start_paused = true)]
async fn a_class_has_no_more_than_its_limit_while_others_are_served() {
    let (backend, builder) = reports();
    let pool = builder.build().unwrap();
    let first = pool.acquire_with(report()).await.unwrap();
    let second = pool.acquire_with(report()).await.unwrap();
    let third = waiter_with(&pool, report()).await;
    let pages = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    quiet().await;
    assert!(!third.is_finished());
    let class = &pool.classes()[0];
    assert_eq!((&*class.name, class.limit, class.leased, class.waiters), (REPORT, Some(2), 2, 1));
    assert_eq!(backend.book().opened, 4); // none for the third

    drop(pages);
    quiet().await;
    assert!(!third.is_finished());
    drop(first);
    drop(third.await.unwrap().unwrap());
    drop(second);
    assert_eq!(pool.classes()[0].leased, 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn callers_of_all_classes_are_served_in_the_order_they_came() {
    let (backend, builder) = scripted(1);
    let pool = builder.limit(REPORT, 1).limit("import", 1).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    let order = ["page", REPORT, "import", REPORT, "page", "import"];
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (number, class) in order.into_iter().enumerate() {
        let (pool, served) = (pool.clone(), served.clone());
        tasks.push(tokio::spawn(async move {
            let options = match class {
                "page" => AcquireOptions::new(),
                class => AcquireOptions::new().class(class),
            };
            let lease = pool.acquire_with(options).await.unwrap();
            served.lock().unwrap().push(number);
            drop(lease);
        }));
        quiet().await;
    }
    drop(lease);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_full_class_is_passed_over_until_it_is_not() {
    let (backend, builder) = scripted(2);
    let pool = builder.limit(REPORT, 1).build().unwrap();
    let (report_held, page_held) =
        (pool.acquire_with(report()).await.unwrap(), pool.acquire().await.unwrap());
    let next_report = waiter_with(&pool, report()).await;
    let next_page = waiter(&pool).await;
    drop(page_held);
    let page = next_page.await.unwrap().unwrap(); // came later, and is served first
    assert!(!next_report.is_finished());
    drop(report_held);
    drop(next_report.await.unwrap().unwrap());
    drop(page);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_class_that_gets_room_is_served_from_stock() {
    let ways_back: [fn(ScriptedLease); 4] = [
        |mut lease| {
            lease.set_dirty();
            drop(lease); // to be cleaned, for as long as that is allowed
        },
        |mut lease| {
            lease.lose(Fault::SessionLost);
            drop(lease);
        },
        |lease| lease.discard(),
        |lease| ScriptedSession::abort(lease.detach()),
    ];
    for give_back in ways_back {
        let (backend, builder) = scripted(2);
        let pool = builder.limit(REPORT, 1).build().unwrap();
        backend.always(Verb::Release, Act::hang());
        let held = pool.acquire_with(report()).await.unwrap();
        drop(pool.acquire().await.unwrap()); // another one is idle
        let next = waiter_with(&pool, report()).await;
        assert_eq!((pool.status().idle, pool.status().waiters), (1, 1));
        give_back(held);
        assert_eq!((pool.status().idle, pool.status().waiters), (0, 0));
        drop(next.await.unwrap().unwrap());
        assert_eq!((backend.book().opened, pool.classes()[0].leased), (2, 0));
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_grant_gives_its_class_room_again() {
    let (backend, builder) = scripted(2);
    let pool = builder.limit(REPORT, 1).build().unwrap();
    let held = pool.acquire_with(report()).await.unwrap();
    let (first, second) = (waiter_with(&pool, report()).await, waiter_with(&pool, report()).await);
    drop(held); // granted to the first, which has yet to run
    first.abort();
    assert!(first.await.is_err());
    drop(second.await.unwrap().unwrap());
    assert_eq!(pool.classes()[0].leased, 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_class_is_what_its_timeout_names() {
    let (backend, builder) = reports();
    let pool = builder.name("shop").build().unwrap();
    let held = [pool.acquire_with(report()).await, pool.acquire_with(report()).await];
    backend.always(Verb::Open, Act::hang()); // somebody else waits for that
    let page = waiter(&pool).await;
    let error = pool.acquire_with(report().timeout(secs(3))).await.unwrap_err();
    let AcquireError::TimedOut(timed_out) = &error else { panic!("{error}") };
    assert_eq!(
        (timed_out.phase, timed_out.queueing, timed_out.opening),
        (Phase::Queueing, secs(3), secs(0))
    );
    assert!(error.is_overload() && !error.is_backend_fault());
    let text = error.to_string();
    assert!(text.contains("all 2 that \"report\" may have are lent"), "{text}");
    assert!(text.contains("classes.rs") && text.contains("for \"report\""), "{text}");
    page.abort();
    drop(held);
    pool.close(secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_class_has_a_timeout_of_its_own_and_the_call_has_the_last_word() {
    let (backend, builder) = scripted(1);
    let pool = builder.acquire_timeout(secs(9)).class_timeout(REPORT, secs(4)).build().unwrap();
    let held = pool.acquire().await.unwrap();
    for (options, limit) in [
        (AcquireOptions::new(), secs(9)),
        (report(), secs(4)),
        (report().timeout(secs(1)), secs(1)),
    ] {
        let start = tokio::time::Instant::now();
        assert!(pool.acquire_with(options).await.unwrap_err().is_timeout());
        assert_eq!(start.elapsed(), limit);
    }
    drop(held);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_class_without_a_limit_is_capped_by_the_pool_alone() {
    let (backend, builder) = scripted(2);
    let pool = builder.class_timeout(REPORT, secs(4)).build().unwrap();
    let both =
        [pool.acquire_with(report()).await.unwrap(), pool.acquire_with(report()).await.unwrap()];
    assert_eq!((pool.classes()[0].limit, pool.classes()[0].leased), (None, 2));
    drop(both);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_class_is_named_with_those_there_are() {
    let (backend, builder) = reports();
    let pool = builder.name("shop").limit("import", 1).build().unwrap();
    let error = pool.acquire_with(AcquireOptions::new().class("repotr")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "pool \"shop\" has no class \"repotr\", only \"report\", \"import\""
    );
    assert!(!error.is_overload() && !error.is_backend_fault() && !error.is_timeout());
    assert_eq!(pool.status().counters.requested, 0);
    end(&backend, &pool).await;

    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let error = pool.acquire_with(report()).await.unwrap_err();
    assert_eq!(error.to_string(), "the pool has no class \"report\": it was built without any");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn transactions_and_units_are_of_a_class_too() {
    let (backend, builder) = scripted(2);
    let pool = builder.limit(REPORT, 1).build().unwrap();
    let options = TxOptions::new().acquire(report().timeout(secs(2)));
    let mut unit = pool.unit_in(options.clone());
    unit.session().await.unwrap();
    assert_eq!(pool.classes()[0].leased, 1);
    let refused = pool.transaction_in(options, async |_| Ok::<_, TxError>(())).await;
    assert!(matches!(refused, Err(TxError::Acquire(error)) if error.is_timeout()));
    unit.close().await.unwrap();
    assert_eq!(pool.classes()[0].leased, 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn no_session_is_opened_for_whom_it_could_not_serve() {
    let (backend, builder) = scripted(10);
    let pool = builder.limit(REPORT, 1).max_connecting(10).build().unwrap();
    let held = pool.acquire_with(report()).await.unwrap();
    let waiting = [waiter_with(&pool, report()).await, waiter_with(&pool, report()).await];
    quiet().await;
    assert_eq!((backend.book().opened, pool.status().opening), (1, 0));
    drop(held);
    for waiter in waiting {
        drop(waiter.await.unwrap().unwrap());
    }
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_of_a_full_class_takes_nothing_from_stock() {
    let (backend, builder) = reports();
    let pool = builder.limit(REPORT, 1).build().unwrap();
    let held = pool.acquire_with(report()).await.unwrap();
    drop(pool.acquire().await.unwrap());
    let none = pool.acquire_with(report().timeout(Duration::ZERO)).await;
    assert!(none.unwrap_err().is_timeout());
    // Whoever names no class is not held up by those who wait for one.
    let waiting = waiter_with(&pool, report()).await;
    drop(pool.try_acquire().unwrap());
    drop(pool.acquire_with(AcquireOptions::new().timeout(Duration::ZERO)).await.unwrap());
    drop(held);
    drop(waiting.await.unwrap().unwrap());
    end(&backend, &pool).await;
}

#[test]
fn a_class_that_cannot_work_is_refused_at_build() {
    for (builder, told) in [
        (
            scripted(1).1.limit(REPORT, 0),
            "limit is 0 for class \"report\", but 1 to 1000000 sessions are possible",
        ),
        (
            scripted(1).1.class_timeout(REPORT, Duration::ZERO),
            "class_timeout is 0ns for class \"report\", but it must be longer (try_acquire is what never waits)",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), told);
    }
    let crowd = (0..101).fold(scripted(1).1, |builder, n| builder.limit(format!("class {n}"), 1));
    assert_eq!(
        crowd.build().unwrap_err().to_string(),
        "limit is 101, but 0 to 100 classes are possible"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_wait_for_a_full_class_has_nothing_checked() {
    let (backend, builder) = scripted(2);
    let pool = builder.limit(REPORT, 1).check_after_idle(None).build().unwrap();
    let held = pool.acquire_with(report()).await.unwrap();
    drop(pool.acquire().await.unwrap());
    let none = pool.acquire_with(report().timeout(Duration::ZERO)).await;
    assert!(none.unwrap_err().is_timeout());
    assert_eq!((pool.status().idle, pool.status().counters.checked), (1, 0));
    drop(held);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_full_class_do_not_fill_the_queue_for_others() {
    let (backend, builder) = scripted(2);
    let pool = builder.limit(REPORT, 1).max_waiters(2).build().unwrap();
    let held = pool.acquire_with(report()).await.unwrap();
    let reports = [waiter_with(&pool, report()).await, waiter_with(&pool, report()).await];
    let error = pool.acquire_with(report()).await.unwrap_err();
    assert!(matches!(error, AcquireError::QueueFull { .. }), "{error}");
    drop(pool.acquire().await.unwrap()); // has to be opened, and waits for that
    drop(held);
    for waiting in reports {
        drop(waiting.await.unwrap().unwrap());
    }
    end(&backend, &pool).await;
}
