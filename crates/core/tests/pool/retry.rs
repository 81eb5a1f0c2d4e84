use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use sessionpool_core::{Fault, Retry, TxError, TxOptions};
use sessionpool_testkit::{Act, ScriptedError, Verb};

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("mapped beyond recognition")]
    Opaque,
}

impl From<ScriptedError> for AppError {
    fn from(_: ScriptedError) -> Self {
        Self::Opaque // the session remembers the conflict all the same
    }
}

/// How often the unit ran, and how it ended.
async fn run(backend: &Scripted, retry: Retry) -> (usize, Result<(), AppError>) {
    let pool = Pool::builder(backend.clone()).max_size(1).build().unwrap();
    let runs = AtomicUsize::new(0);
    let answer = pool
        .transaction_with(retry, async |tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            tx.write("row").await?;
            Ok::<_, AppError>(())
        })
        .await;
    end(backend, &pool).await;
    (runs.into_inner(), answer)
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_lost_against_another_is_run_again() {
    let backend = Scripted::new();
    backend.next(Verb::Write, Act::fail(Fault::Conflict));
    backend.next(Verb::Commit, Act::fail(Fault::Conflict));
    let (runs, answer) = run(&backend, Retry::on_conflict(5)).await;
    answer.unwrap();
    assert_eq!((runs, backend.committed().len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_lost_is_tried_again() {
    let backend = Scripted::new();
    backend.next(Verb::Begin, Act::fail(Fault::Conflict));
    let (runs, answer) = run(&backend, Retry::on_conflict(1)).await;
    answer.unwrap();
    assert_eq!(runs, 1);
}

#[tokio::test(start_paused = true)]
async fn runs_are_bounded_and_the_last_error_is_told() {
    let backend = Scripted::new();
    backend.always(Verb::Commit, Act::fail(Fault::Conflict));
    let start = tokio::time::Instant::now();
    let (runs, answer) = run(&backend, Retry::on_conflict(3)).await;
    let AppError::Tx(error) = answer.unwrap_err() else { panic!() };
    assert!(error.is_conflict(), "{error}");
    assert_eq!(runs, 4);
    assert!(start.elapsed() <= ms(10 + 20 + 40 + 3)); // random, and never longer
    assert!(backend.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_run_again() {
    for act in [Act::lose_ack(), Act::roll_back(), Act::fail(Fault::Other)] {
        let backend = Scripted::new();
        backend.next(Verb::Commit, act);
        let (runs, answer) = run(&backend, Retry::on_conflict(5)).await;
        answer.unwrap_err();
        assert_eq!(runs, 1);
    }
    let backend = Scripted::new();
    backend.next(Verb::Write, Act::fail(Fault::Other));
    let (runs, answer) = run(&backend, Retry::on_conflict(5)).await;
    assert!(matches!(answer, Err(AppError::Opaque)));
    assert_eq!(runs, 1);
}

#[tokio::test(start_paused = true)]
async fn each_run_has_the_options_asked_for() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.next(Verb::Commit, Act::fail(Fault::Conflict));
    let retry = Retry::on_conflict(1).options(TxOptions::new().read_only());
    pool.transaction_with(retry, async |tx| {
        assert!(tx.transaction().unwrap().read_only);
        Ok::<_, AppError>(())
    })
    .await
    .unwrap();
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_conflict_the_unit_swallowed_is_seen_all_the_same() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.next(Verb::Write, Act::fail(Fault::Conflict));
    backend.next(Verb::Commit, Act::roll_back()); // and no error to tell why
    let runs = AtomicUsize::new(0);
    pool.transaction_with(Retry::on_conflict(3), async |tx| {
        runs.fetch_add(1, Ordering::Relaxed);
        let _ = tx.write("row").await;
        Ok::<_, AppError>(())
    })
    .await
    .unwrap();
    assert_eq!((runs.into_inner(), backend.committed().len()), (2, 1));
    end(&backend, &pool).await;
}
