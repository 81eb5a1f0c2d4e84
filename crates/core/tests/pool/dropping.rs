//! Dropping anything, anywhere: no panic, no leak, no block.

use super::*;
use sessionpool_testkit::{Act, Verb};

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_idle_sessions() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    drop([pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]);
    drop(pool.clone());
    quiet().await;
    assert_eq!(backend.book().live, 2); // one handle is left
    drop(pool);
    backend.ended(2).await;
    backend.assert_all_ended();
    assert_eq!(backend.book().closed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_outlives_the_last_handle_and_is_ended_then() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    drop(pool);
    quiet().await;
    lease.write("still usable").await.unwrap();
    drop(lease);
    backend.ended(1).await;
    backend.assert_all_ended();
    quiet().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lease_dropped_on_a_plain_thread_comes_back() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    for dirty in [false, true] {
        let mut lease = pool.acquire().await.unwrap();
        if dirty {
            lease.set_dirty();
        }
        std::thread::spawn(move || drop(lease)).join().unwrap();
    }
    drop(pool.acquire().await.unwrap());
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

/// Drops the future of one acquire after each number of polls, and looks whether
/// anything was lost.
#[tokio::test(start_paused = true)]
async fn an_acquire_dropped_at_any_await_loses_nothing() {
    for polls in 0..12 {
        let (backend, builder) = scripted(1);
        let pool = builder.build().unwrap();
        backend.always(Verb::Open, Act::yields(3));
        poll_times(pool.acquire(), polls).await;
        quiet().await;
        balanced(&pool.status());
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_dropped_at_any_await_is_rolled_back() {
    for polls in 0..40 {
        let (backend, builder) = scripted(1);
        let pool = builder.build().unwrap();
        for verb in [Verb::Open, Verb::Begin, Verb::Write, Verb::Rollback, Verb::Release] {
            backend.always(verb, Act::yields(2));
        }
        let work = pool.transaction(async |tx| {
            tx.write("half").await.unwrap();
            tx.savepoint(async |tx| {
                tx.write("done").await.unwrap();
                Ok::<_, sessionpool_core::TxError>(())
            })
            .await?;
            std::future::pending::<()>().await;
            Ok::<_, sessionpool_core::TxError>(())
        });
        poll_times(work, polls).await;
        quiet().await;
        assert!(backend.committed().is_empty());
        // The next borrower finds a session in which a transaction can begin.
        pool.transaction(async |tx| {
            tx.write("next").await.unwrap();
            Ok::<_, sessionpool_core::TxError>(())
        })
        .await
        .unwrap();
        assert_eq!(backend.committed(), ["next"]);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_dropped_at_any_await_loses_nothing() {
    for polls in 0..8 {
        let (backend, builder) = scripted(1);
        let pool = builder.build().unwrap();
        backend.always(Verb::Release, Act::yields(3));
        let mut lease = pool.acquire().await.unwrap();
        lease.set_dirty();
        poll_times(lease.release(), polls).await;
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_forgotten_is_reported_by_close() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    std::mem::forget(pool.acquire().await.unwrap());
    let report = pool.close(secs(1)).await;
    assert_eq!(report.still_out.len(), 1);
    backend.forgive();
}

async fn poll_times<F: Future>(future: F, polls: usize) {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        let ready =
            std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready()));
        if ready.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}
