use std::error::Error as _;
use std::future;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use sessionpool_core::event::Event;
use sessionpool_core::{Condition, Fault, HookFuture, Session};
use sessionpool_testkit::{Act, ScriptedError, Verb};
use tokio::time::Instant;

type Hook = for<'s> fn(&'s mut ScriptedSession) -> HookFuture<'s, ScriptedSession>;

const HANGS: Hook = |_| Box::pin(future::pending());
const PANICS: Hook = |_| Box::pin(async { panic!("in the future") });
const PANICS_AT_ONCE: Hook = |_| panic!("before the future");

/// What was told of hooks that failed.
fn failures(backend: &Scripted) -> Vec<String> {
    let events = told(backend).unwrap().events();
    let failed = events.into_iter().filter_map(|event| match event {
        Event::HookFailed(it) => Some(format!("{} {}: {}", it.session, it.hook, it.cause)),
        _ => None,
    });
    failed.collect()
}

#[tokio::test(start_paused = true)]
async fn after_open_runs_once_for_each_session_before_anybody_is_lent_it() {
    let (backend, builder) = scripted(2);
    let runs = Arc::new(AtomicU32::new(0));
    let hook_runs = Arc::clone(&runs);
    let pool = builder
        .after_open(move |session| {
            let row = hook_runs.fetch_add(1, Ordering::Relaxed) + 1;
            assert_eq!(session.condition(), Condition::Clean);
            Box::pin(async move { session.write(&format!("hello {row}")).await })
        })
        .build()
        .unwrap();
    for _ in 0..3 {
        let both = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        drop(both);
    }
    assert_eq!(backend.book().calls(Verb::Write), 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_after_open_that_fails_ends_that_session_only() {
    let (backend, builder) = scripted(1);
    let pool = builder
        .after_open(|session| Box::pin(async move { session.write("hello").await }))
        .build()
        .unwrap();
    backend.next(Verb::Write, Act::fail(Fault::Rejected));
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Rejected, .. }), "{error}");
    let told = "the pool opened a session, but its after_open hook failed \
                (rejected by the remote end: scripted write failed: rejected by the remote end)";
    assert_eq!(error.to_string(), told);
    let hook = error.source().unwrap();
    assert!(hook.to_string().starts_with("the after_open hook failed: scripted"), "{hook}");
    assert!(hook.source().is_some_and(|cause| cause.is::<ScriptedError>()), "{hook:?}");
    assert_eq!((backend.book().opened, backend.book().closed), (1, 1));
    assert_eq!((pool.status().counters.opened, pool.status().counters.open_failed), (0, 1));
    tokio::time::sleep(secs(2)).await; // a rejection stands for a while
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_after_open_that_panics_ends_that_session_only() {
    for hook in [PANICS, PANICS_AT_ONCE] {
        let (backend, builder) = scripted(1);
        let pool = builder.after_open(hook).build().unwrap();
        let error = pool.acquire().await.unwrap_err();
        let told = error.to_string();
        assert!(told.contains("after_open hook failed (") && told.contains("panicked:"), "{told}");
        assert_eq!((backend.book().opened, backend.book().closed), (1, 1));
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_opening_and_its_hook_share_one_time_limit() {
    let (backend, builder) = scripted(1);
    let pool = builder
        .connect_timeout(secs(5))
        .acquire_timeout(secs(6))
        .after_open(HANGS)
        .build()
        .unwrap();
    backend.next(Verb::Open, Act::take(secs(3)));
    let error = pool.acquire().await.unwrap_err();
    assert!(error.to_string().contains("after_open took longer than 2s"), "{error}");
    let took = told(&backend).unwrap().events().into_iter().find_map(|event| match event {
        Event::OpenFailed(it) => Some(it.took),
        _ => None,
    });
    assert_eq!(took, Some(secs(5)));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn what_after_open_leaves_on_a_session_is_cleaned_away() {
    let (backend, builder) = scripted(1);
    let hook: Hook = |session| {
        session.set_dirty();
        Box::pin(future::ready(Ok(())))
    };
    let pool = builder.after_open(hook).build().unwrap();
    assert!(!pool.acquire().await.unwrap().is_dirty());
    assert_eq!(backend.book().calls(Verb::Release), 1);

    backend.next(Verb::Release, Act::fail(Fault::Other));
    pool.acquire().await.unwrap().discard();
    let error = pool.acquire().await.unwrap_err();
    assert!(error.to_string().contains("scripted release failed"), "{error}");
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn before_close_runs_before_the_pool_closes_a_session() {
    let (backend, builder) = scripted(3);
    let pool = builder
        .idle_timeout(secs(60))
        .before_close(|session| Box::pin(async move { session.write("goodbye").await }))
        .build()
        .unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(61)).await; // expired
    assert_eq!((backend.book().calls(Verb::Write), backend.book().closed), (1, 1));

    pool.acquire().await.unwrap().discard();
    quiet().await;
    assert_eq!((backend.book().calls(Verb::Write), backend.book().closed), (2, 2));

    // Not for one that is broken, nor for one that its holder keeps.
    pool.acquire().await.unwrap().lose(Fault::SessionLost);
    quiet().await;
    ScriptedSession::abort(pool.acquire().await.unwrap().detach());
    assert_eq!(backend.book().calls(Verb::Write), 2);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_before_close_that_fails_is_told_and_keeps_no_session_from_closing() {
    let fails: Hook = |session| Box::pin(async move { session.write("goodbye").await });
    for (hook, told) in [
        (fails, "1 before_close: scripted write failed: unclassified failure"),
        (PANICS, "1 before_close: before_close panicked: in the future"),
        (PANICS_AT_ONCE, "1 before_close: before_close panicked: before the future"),
        (HANGS, "1 before_close: before_close took longer than 3s"),
    ] {
        let (backend, builder) = scripted(1);
        let pool = builder.close_timeout(secs(3)).before_close(hook).build().unwrap();
        backend.always(Verb::Write, Act::fail(Fault::Other));
        drop(pool.acquire().await.unwrap());
        let start = Instant::now();
        let report = pool.close(secs(60)).await;
        assert!(report.is_complete(), "{report}");
        assert_eq!(start.elapsed(), if told.contains("longer") { secs(3) } else { secs(0) });
        assert_eq!((failures(&backend), backend.book().closed), (vec![told.to_owned()], 1));
        end(&backend, &pool).await;
    }
}

#[test]
fn a_hook_under_way_when_its_runtime_dies_costs_no_second_end() {
    for hanging_after_open in [true, false] {
        let (backend, builder) = scripted(1);
        let builder = match hanging_after_open {
            true => builder.after_open(HANGS),
            false => builder.before_close(HANGS),
        };
        let pool = builder.build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let waiting = waiter(&pool).await;
            quiet().await;
            if !hanging_after_open {
                waiting.await.unwrap().unwrap().discard();
                quiet().await;
            }
        });
        drop(runtime);
        assert_eq!((backend.book().opened, backend.book().aborted), (1, 1));
        assert_eq!(pool.status().size(), 0);
        balanced(&pool.status());
    }
}

#[tokio::test(start_paused = true)]
async fn before_close_is_not_for_a_session_with_something_of_a_borrowers_on_it() {
    let (backend, builder) = scripted(3);
    let pool = builder
        .before_close(|session| Box::pin(async move { session.write("goodbye").await }))
        .build()
        .unwrap();
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(pool.acquire().await.unwrap());
    }
    let (mut dirty, mut discarded, clean) = (leases.remove(0), leases.remove(0), leases.remove(0));
    dirty.set_dirty();
    discarded.set_dirty();
    discarded.discard();
    pool.flush();
    drop(dirty); // ended, since it is stale, and not cleaned
    quiet().await;
    assert_eq!((backend.book().closed, backend.book().calls(Verb::Write)), (2, 0));
    drop(clean);
    quiet().await;
    assert_eq!((backend.book().closed, backend.book().calls(Verb::Write)), (3, 1));
    end(&backend, &pool).await;
}
