//! Runtimes that go away, and places without one. Real time: two runtimes share no
//! paused clock.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;

use super::*;
use sessionpool_core::{AcquireError, Fault, Pause};
use sessionpool_testkit::{Act, Verb};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Drives a future without any runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Has an acquire join the queue, or look and stay there.
async fn queued(acquire: &mut Pin<Box<impl Future<Output = Acquired>>>) {
    std::future::poll_fn(|cx| {
        assert!(acquire.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn an_acquire_outside_a_runtime_says_so() {
    let (_backend, builder) = scripted(1);
    let pool = builder.min_idle(1).build().unwrap();
    let error = block_on(pool.acquire()).unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime), "{error}");
    balanced(&pool.status());
    assert!(block_on(pool.close(secs(5))).is_complete());
}

#[test]
fn an_idle_session_is_lent_outside_a_runtime() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let runtime = runtime();
    drop(runtime.block_on(pool.acquire()).unwrap());
    let mut lease = block_on(pool.acquire()).unwrap();
    lease.set_dirty();
    block_on(lease.release()).unwrap(); // no runtime, no clock: awaited as it is
    assert_eq!(pool.status().idle, 1);
    runtime.block_on(end(&backend, &pool));
}

#[test]
fn nobody_waits_outside_a_runtime() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let runtime = runtime();
    let lease = runtime.block_on(pool.acquire()).unwrap();
    // Nothing could wake it at its deadline.
    assert!(matches!(block_on(pool.acquire()).unwrap_err(), AcquireError::NoRuntime));
    drop(lease);
    drop(block_on(pool.acquire()).unwrap());
    runtime.block_on(end(&backend, &pool));
}

#[test]
fn a_runtime_without_its_time_driver_is_none_to_wait_on() {
    let timeless = Builder::new_current_thread().build().unwrap();
    let (backend, builder) = scripted(1);
    let pool = {
        let _inside = timeless.enter();
        builder.min_idle(1).build().unwrap()
    };
    let error = timeless.block_on(pool.acquire()).unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime), "{error}");
    assert!(error.to_string().contains("time driver"), "{error}");
    assert_eq!(timeless.metrics().num_alive_tasks(), 0);
    assert_eq!(backend.book().open_calls, 0);
    runtime().block_on(async {
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    });
}

#[test]
fn a_runtime_without_its_time_driver_panics_nowhere() {
    let timeless = Builder::new_current_thread().build().unwrap();
    let runtime = runtime();
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let mut lease = runtime.block_on(pool.acquire()).unwrap();
    // The janitor lives elsewhere, and its clock may stand still.
    let error = timeless.block_on(pool.acquire()).unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime), "{error}");
    lease.set_dirty();
    timeless.block_on(lease.release()).unwrap();
    timeless.block_on(async {
        let mut unit = pool.unit();
        unit.session().await.unwrap().write("row").await.unwrap();
        unit.commit().await.unwrap();
    });
    let report = timeless.block_on(pool.close(ms(10)));
    assert_eq!(report.in_progress, 1, "{report}");
    runtime.block_on(end(&backend, &pool));
}

#[test]
fn sessions_end_with_the_runtime_they_were_opened_on() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let first = runtime();
    let (idle, leased) =
        first.block_on(async { (pool.acquire().await.unwrap(), pool.acquire().await.unwrap()) });
    drop(idle);
    drop(first);
    assert_eq!(backend.book().aborted, 1); // the idle one, at once
    assert_eq!(pool.status().idle, 0);
    drop(leased); // outside of any runtime, after its own is gone
    assert_eq!(backend.book().aborted, 2);
    assert_eq!(pool.status().counters.closed.runtime_lost, 2);

    let second = runtime();
    second.block_on(async {
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    });
}

#[test]
fn a_session_of_a_dead_runtime_is_not_lent_on_the_next() {
    let (backend, builder) = scripted(3);
    let pool = builder.build().unwrap();
    let old = runtime().block_on(pool.acquire()).unwrap();
    let second = runtime();
    second.block_on(async {
        let new = pool.acquire().await.unwrap();
        drop(old);
        drop(new);
        assert_eq!(pool.status().idle, 1);
        assert_eq!(backend.book().aborted, 1);
        end(&backend, &pool).await;
    });
}

#[test]
fn a_runtime_that_dies_in_the_middle_of_anything_loses_nothing() {
    for verb in [Verb::Open, Verb::Release, Verb::Close] {
        let (backend, builder) = scripted(2);
        let pool = builder.build().unwrap();
        let first = runtime();
        let mut lease = first.block_on(pool.acquire()).unwrap();
        backend.next(verb, Act::hang());
        match verb {
            Verb::Release => lease.set_dirty(),
            Verb::Close => lease.lose(Fault::SessionLost),
            _ => {}
        }
        first.block_on(async {
            if verb == Verb::Open {
                let waiting = pool.acquire_with(AcquireOptions::new().timeout(ms(5))).await;
                assert!(waiting.is_err());
            }
            drop(lease);
            let begun = if verb == Verb::Open { 2 } else { 1 };
            backend.called(verb, begun).await;
        });
        drop(first);
        assert_eq!(pool.status().size(), 0, "{verb:?}");
        balanced(&pool.status());
        runtime().block_on(async {
            drop(pool.acquire().await.unwrap());
            end(&backend, &pool).await;
        });
    }
}

#[test]
fn what_a_dying_runtime_had_yet_to_begin_is_told_once() {
    type WayBack = fn(&ScriptedPool, ScriptedLease);
    let ways_back: [(Verb, WayBack); 4] = [
        (Verb::Release, |_, mut lease| lease.set_dirty()),
        (Verb::Close, |_, mut lease| lease.lose(Fault::SessionLost)),
        (Verb::Close, |_, lease| lease.discard()),
        (Verb::Check, |pool, lease| {
            drop(lease);
            assert!(pool.try_acquire().is_err());
        }),
    ];
    for (verb, give_back) in ways_back {
        let (backend, builder) = scripted(1);
        let pool = builder.check_after_idle(Duration::ZERO).build().unwrap();
        let first = runtime();
        let lease = first.block_on(pool.acquire()).unwrap();
        // Nobody drives the runtime from here on.
        give_back(&pool, lease);
        drop(first);
        let (status, book) = (pool.status(), backend.book());
        assert_eq!((status.size(), book.calls(verb), book.aborted), (0, 0, 1), "{verb:?}");
        runtime().block_on(end(&backend, &pool));
    }
}

#[test]
fn a_runtime_that_dies_during_a_check_loses_nothing() {
    let (backend, builder) = scripted(1);
    let pool = builder.check_after_idle(Duration::ZERO).build().unwrap();
    let first = runtime();
    drop(first.block_on(pool.acquire()).unwrap());
    backend.next(Verb::Check, Act::hang());
    first.block_on(async {
        let hasty = AcquireOptions::new().timeout(ms(5));
        assert!(pool.acquire_with(hasty).await.unwrap_err().is_timeout());
    });
    assert_eq!(pool.status().checking, 1);
    drop(first);
    assert_eq!((pool.status().size(), backend.book().aborted), (0, 1));
    runtime().block_on(end(&backend, &pool));
}

#[test]
fn a_waiter_on_another_runtime_survives_the_death_of_the_janitors() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let first = runtime();
    let lease = first.block_on(pool.acquire()).unwrap();
    let (queued, is_queued) = mpsc::channel();
    let other = std::thread::spawn(move || {
        runtime().block_on(async move {
            let mut acquire = Box::pin(pool.acquire());
            self::queued(&mut acquire).await;
            queued.send(()).unwrap();
            let id = acquire.await.unwrap().id();
            pool.close(secs(5)).await;
            id
        })
    });
    is_queued.recv().unwrap();
    drop(first); // the janitor with it; the waiter starts another one
    drop(lease); // frees the only place
    assert_eq!(other.join().unwrap(), 2);
    backend.assert_all_ended();
}

/// A pool with one session, lent on the runtime, and an outage that has lasted too long.
fn in_a_long_outage() -> (Scripted, ScriptedPool, Runtime, ScriptedLease) {
    let (backend, builder) = scripted(2);
    let builder = builder.fail_fast_after(Duration::ZERO).acquire_timeout(secs(10));
    let pool = builder.build().unwrap();
    let first = runtime();
    let last = first.block_on(pool.acquire()).unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Busy { retry_after: Some(secs(60)) }));
    first.block_on(async {
        let mut gives_up = Box::pin(pool.acquire());
        queued(&mut gives_up).await;
        while pool.status().counters.open_failed == 0 {
            tokio::task::yield_now().await;
        }
    });
    (backend, pool, first, last)
}

fn told_in_a_long_outage_when_the_last_is_cleaned(begun: bool) {
    let (backend, pool, first, mut last) = in_a_long_outage();
    backend.always(Verb::Release, Act::hang());
    let (second, mut waiting) = (runtime(), Box::pin(pool.acquire()));
    second.block_on(queued(&mut waiting));
    last.set_dirty();
    drop(last);
    if begun {
        first.block_on(backend.called(Verb::Release, 1));
    }
    drop(first);
    let error = second.block_on(waiting).unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Busy { .. }, .. }), "{error}");
    assert_eq!(backend.book().calls(Verb::Release), usize::from(begun));
    second.block_on(end(&backend, &pool));
}

#[test]
fn whoever_waits_in_a_long_outage_is_told_when_a_runtime_dies_cleaning_the_last_session() {
    told_in_a_long_outage_when_the_last_is_cleaned(true);
}

#[test]
fn whoever_waits_in_a_long_outage_is_told_when_a_runtime_dies_about_to_clean_the_last_session() {
    told_in_a_long_outage_when_the_last_is_cleaned(false);
}

#[test]
fn a_runtime_that_dies_with_a_session_ended_in_a_pause_tells_nobody_of_the_outage() {
    for begun in [false, true] {
        let (backend, pool, first, last) = in_a_long_outage();
        backend.always(Verb::Close, Act::hang());
        pool.pause(Pause::Wait);
        last.discard();
        let (second, mut waiting) = (runtime(), Box::pin(pool.acquire()));
        second.block_on(queued(&mut waiting));
        if begun {
            first.block_on(backend.called(Verb::Close, 1));
        }
        pool.resume();
        drop(first);
        assert_eq!(pool.status().size(), 0);
        second.block_on(queued(&mut waiting)); // for the next opening
        drop(waiting);
        second.block_on(end(&backend, &pool));
    }
}

#[test]
fn a_waiter_times_out_though_the_janitors_runtime_stands_still() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let still = runtime();
    let lease = still.block_on(pool.acquire()).unwrap();
    // Nobody drives `still` from here on: its timers do not fire.
    let error = runtime().block_on(async {
        pool.acquire_with(AcquireOptions::new().timeout(ms(30))).await.unwrap_err()
    });
    assert!(error.is_timeout(), "{error}");
    drop(lease);
    still.block_on(end(&backend, &pool));
}

#[test]
fn a_timeout_tells_that_the_pools_runtime_stands_still() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let still = runtime();
    let lease = still.block_on(pool.acquire()).unwrap();
    let error = runtime().block_on(async {
        pool.acquire_with(AcquireOptions::new().timeout(ms(150))).await.unwrap_err()
    });
    assert!(error.to_string().contains("has not run meanwhile"), "{error}");
    assert!(!error.is_overload() && !error.is_backend_fault());
    drop(lease);
    still.block_on(end(&backend, &pool));
}

#[test]
fn a_waiter_moved_to_another_runtime_keeps_its_own_time_from_then_on() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let still = runtime();
    let lease = still.block_on(pool.acquire()).unwrap();
    let mut acquire = Box::pin(pool.acquire_with(AcquireOptions::new().timeout(ms(30))));
    still.block_on(queued(&mut acquire));
    let error = runtime().block_on(acquire).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    drop(lease);
    still.block_on(end(&backend, &pool));
}

/// Two runtimes of several threads, everything that can happen to a lease, and
/// callers that give up in between.
#[test]
fn many_threads_lose_nothing() {
    let (backend, builder) = scripted(4);
    let pool = builder.max_idle(3).min_idle(1).idle_timeout(ms(3)).build().unwrap();
    let runtimes = [2, 3].map(|threads| {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
    });
    let tasks: Vec<_> = (0..32)
        .map(|task| runtimes[task as usize % 2].spawn(borrow_many_times(pool.clone(), task)))
        .collect();
    runtimes[0].block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
        end(&backend, &pool).await;
    });
}

async fn borrow_many_times(pool: ScriptedPool, task: u64) {
    for turn in 0..300 {
        let dice = task * 7_919 + turn * 104_729;
        if dice % 5 == 0 {
            let hasty = Duration::from_micros(dice % 900);
            let _ = tokio::time::timeout(hasty, pool.acquire()).await;
            continue;
        }
        let mut lease = pool.acquire().await.unwrap();
        if dice % 3 == 0 {
            lease.set_dirty();
        }
        if dice % 17 == 0 {
            lease.lose(Fault::SessionLost);
        }
        if dice % 4 == 0 {
            tokio::task::yield_now().await;
        }
        if dice % 13 == 0 {
            let _ = lease.release().await;
        }
    }
}

#[test]
fn stamps_go_with_the_time_where_it_is_real() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    runtime().block_on(async {
        let lease = pool.acquire().await.unwrap();
        tokio::time::sleep(ms(50)).await;
        assert!(pool.holders()[0].held >= ms(40)); // to within a tick of the coarse clock
        drop(lease);
        end(&backend, &pool).await;
    });
}

#[test]
fn the_pool_and_its_leases_may_be_dropped_after_the_runtime() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let runtime = runtime();
    let lease = runtime.block_on(pool.acquire()).unwrap();
    drop(runtime.block_on(pool.acquire()).unwrap());
    drop(runtime);
    drop(pool);
    drop(lease);
    backend.assert_all_ended();
}

#[test]
fn the_pool_may_be_dropped_while_unwinding() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let runtime = runtime();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let _lease = pool.acquire().await.unwrap();
            let _unit = pool.unit();
            let _pool = pool;
            panic!("with everything in scope");
        })
    }));
    assert!(unwound.is_err());
    runtime.block_on(backend.ended(1));
    backend.assert_all_ended();
}
