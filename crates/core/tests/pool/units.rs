use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use sessionpool_core::{Fault, Retry, Rollback, TxError, TxOptions};
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::{Act, ScriptedError, Verb};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error(transparent)]
    Write(#[from] ScriptedError),
    #[error("refused")]
    Refused,
}

pub(crate) fn one() -> (Scripted, ScriptedPool) {
    let (backend, builder) = scripted(1);
    (backend, builder.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_unit_takes_no_session_until_it_is_used() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    assert_eq!((unit.has_begun(), pool.status().leased, backend.book().opened), (false, 0, 0));
    unit.commit().await.unwrap();
    unit.rollback().await.unwrap();
    unit.close().await.unwrap();
    assert_eq!(backend.book().opened, 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn commit_and_rollback_give_the_session_back_and_the_unit_goes_on() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    for (row, keep) in [("1", true), ("2", false), ("3", true)] {
        unit.session().await.unwrap().write(row).await.unwrap();
        unit.session().await.unwrap().write(row).await.unwrap();
        assert_eq!(pool.status().leased, 1);
        if keep {
            unit.commit().await.unwrap()
        } else {
            unit.rollback().await.unwrap()
        }
        assert_eq!((pool.status().leased, pool.status().idle), (0, 1));
    }
    assert_eq!(backend.committed(), ["1", "1", "3", "3"]);
    assert_eq!(backend.book().calls(Verb::Release), 0); // nothing was left to clean
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn close_is_allowed_in_every_state_and_any_number_of_times() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    unit.close().await.unwrap();
    unit.session().await.unwrap().write("undone").await.unwrap();
    unit.close().await.unwrap();
    unit.close().await.unwrap();
    unit.session().await.unwrap().lose(Fault::SessionLost);
    unit.close().await.unwrap();
    unit.session().await.unwrap().write("undone").await.unwrap();
    backend.next(Verb::Rollback, Act::fail(Fault::SessionLost));
    let told = unit.close().await.unwrap_err();
    assert!(matches!(told, TxError::Rollback { .. }), "{told}");
    unit.close().await.unwrap();
    unit.session().await.unwrap().write("kept").await.unwrap();
    unit.commit().await.unwrap();
    unit.close().await.unwrap();
    assert_eq!(backend.committed(), ["kept"]);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_unit_is_rolled_back() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    unit.session().await.unwrap().write("undone").await.unwrap();
    drop(unit);
    drop(pool.acquire().await.unwrap());
    assert!(backend.committed().is_empty());
    assert_eq!(backend.book().opened, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn commit_of_a_unit_whose_session_is_lost_says_so() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    unit.session().await.unwrap().lose(Fault::BackendLost);
    let error = unit.commit().await.unwrap_err();
    assert!(
        matches!(error, TxError::RolledBack { why: Rollback::SessionLost(Fault::BackendLost), .. }),
        "{error}"
    );
    unit.session().await.unwrap().write("on a new one").await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!((backend.committed().len(), backend.book().opened), (1, 2));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_has_three_outcomes() {
    let (backend, builder) = scripted(1);
    let pool = builder.lifecycle_timeout(secs(2)).build().unwrap();
    let transact = async || {
        pool.transaction(async |tx| {
            tx.write("row").await?;
            Ok::<_, AppError>(())
        })
        .await
    };
    transact().await.unwrap();

    backend.next(Verb::Commit, Act::roll_back());
    let error = transact().await.unwrap_err();
    assert!(
        matches!(error, AppError::Tx(TxError::RolledBack { why: Rollback::Refused, .. })),
        "{error}"
    );

    for act in [Act::lose_ack(), Act::hang(), Act::panic()] {
        backend.next(Verb::Commit, act);
        let AppError::Tx(error) = transact().await.unwrap_err() else { panic!() };
        assert!(error.is_outcome_unknown(), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
    transact().await.unwrap(); // and the pool heals
    assert_eq!(backend.committed().len(), 3); // the lost acknowledgement was of a commit
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_cancelled_stays_in_doubt_until_acknowledged() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    unit.session().await.unwrap().write("row").await.unwrap();
    backend.next(Verb::Commit, Act::hang());
    assert!(tokio::time::timeout(ms(10), unit.commit()).await.is_err());
    assert!(unit.commit().await.unwrap_err().is_outcome_unknown());
    assert!(unit.session().await.unwrap_err().is_outcome_unknown());
    assert!(unit.commit().await.unwrap_err().is_outcome_unknown());
    unit.close().await.unwrap();
    unit.session().await.unwrap().write("row").await.unwrap();
    unit.commit().await.unwrap();
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn transaction_rolls_back_on_every_other_way_out() {
    let (backend, pool) = one();
    let refused = pool.transaction(async |tx| {
        tx.write("on error").await?;
        Err::<(), _>(AppError::Refused)
    });
    assert!(matches!(refused.await.unwrap_err(), AppError::Refused));
    assert_eq!(pool.status().idle, 1);

    let panicked = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.transaction(async |tx| {
                tx.write("on panic").await?;
                if tx.id() > 0 {
                    panic!("in the work");
                }
                Ok::<_, AppError>(())
            })
            .await
        }
    });
    assert!(panicked.await.unwrap_err().is_panic());

    let cancelled = pool.transaction(async |tx| {
        tx.write("when cancelled").await?;
        std::future::pending::<()>().await;
        Ok::<_, AppError>(())
    });
    assert!(tokio::time::timeout(ms(10), cancelled).await.is_err());
    quiet().await;
    assert!(backend.committed().is_empty());
    assert_eq!((pool.status().leased, backend.book().opened), (0, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_does_not_hide_the_works_own_error() {
    let (backend, pool) = one();
    backend.next(Verb::Rollback, Act::fail(Fault::SessionLost));
    let refused = pool.transaction(async |tx| {
        tx.write("undone").await?;
        Err::<(), _>(AppError::Refused)
    });
    assert!(matches!(refused.await.unwrap_err(), AppError::Refused));
    quiet().await;
    assert_eq!(pool.status().size(), 0); // the session was ended
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_fails_or_hangs_is_told_and_the_session_goes_back() {
    let (backend, builder) = scripted(1);
    let pool = builder.lifecycle_timeout(secs(2)).build().unwrap();
    for act in [Act::fail(Fault::Other), Act::fail(Fault::SessionLost), Act::hang()] {
        backend.next(Verb::Begin, act);
        let mut unit = pool.unit();
        let error = unit.session().await.unwrap_err();
        assert!(matches!(error, TxError::Begin { .. }), "{error}");
        unit.session().await.unwrap(); // the unit is as it was
        unit.close().await.unwrap();
    }
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_statement_dropped_half_way_forbids_the_commit() {
    let (backend, pool) = one();
    backend.next(Verb::Write, Act::hang());
    let answer = pool
        .transaction(async |tx| {
            let _ = tokio::time::timeout(ms(5), tx.write("half")).await;
            Ok::<_, AppError>(())
        })
        .await;
    let AppError::Tx(error) = answer.unwrap_err() else { panic!() };
    assert!(
        matches!(error, TxError::RolledBack { why: Rollback::Refused, cause: Some(_), .. }),
        "{error}"
    );
    assert!(backend.committed().is_empty());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn on_commit_runs_after_the_session_is_back_and_cannot_change_the_outcome() {
    let (backend, pool) = one();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        async move {
            ran.fetch_add(1, Ordering::SeqCst);
        }
    };
    let mut unit = pool.unit();
    unit.session().await.unwrap().write("kept").await.unwrap();
    let observer = pool.clone();
    unit.on_commit(async move { assert_eq!(observer.status().idle, 1) });
    unit.on_commit(async { panic!("in the work") });
    unit.on_commit(count());
    unit.commit().await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1);

    unit.session().await.unwrap();
    unit.on_commit(count());
    unit.rollback().await.unwrap();
    unit.commit().await.unwrap();
    unit.on_commit(count());
    unit.close().await.unwrap();
    backend.next(Verb::Commit, Act::roll_back());
    unit.session().await.unwrap();
    unit.on_commit(count());
    unit.commit().await.unwrap_err();
    unit.close().await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_failed_does_not_succeed_when_asked_again() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    backend.next(Verb::Commit, Act::roll_back());
    unit.session().await.unwrap().write("row").await.unwrap();
    for _ in 0..2 {
        let error = unit.commit().await.unwrap_err();
        assert!(matches!(error, TxError::RolledBack { .. }), "{error}");
    }
    unit.session().await.unwrap().write("row").await.unwrap(); // used again, it begins anew
    backend.next(Verb::Commit, Act::lose_ack());
    for _ in 0..2 {
        assert!(unit.commit().await.unwrap_err().is_outcome_unknown());
    }
    assert!(unit.session().await.unwrap_err().is_outcome_unknown()); // until acknowledged
    unit.rollback().await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(backend.committed(), ["row"]); // by the commit whose answer was lost
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_know_what_became_of_the_work_is_believed() {
    let (backend, pool) = one();
    let mut unit = pool.unit();
    for commit in [true, false] {
        unit.session().await.unwrap().lose(Fault::OutcomeUnknown);
        let answer = if commit { unit.commit().await } else { unit.rollback().await };
        assert!(answer.unwrap_err().is_outcome_unknown());
        unit.close().await.unwrap();
    }
    end(&backend, &pool).await;
}

/// Each future of a unit, dropped after each number of polls: the session comes
/// back clean, and the unit can be closed and used again.
#[tokio::test(start_paused = true)]
async fn a_unit_survives_each_of_its_futures_dropped_at_any_await() {
    for step in 0..4 {
        for polls in 0..8 {
            let (backend, pool) = one();
            for verb in [Verb::Open, Verb::Begin, Verb::Commit, Verb::Rollback, Verb::Release] {
                backend.always(verb, Act::yields(2));
            }
            let mut unit = pool.unit();
            if step > 0 {
                unit.session().await.unwrap().write("row").await.unwrap();
            }
            match step {
                0 => drop(cut(async { unit.session().await.map(drop) }, polls).await),
                1 => drop(cut(unit.commit(), polls).await),
                2 => drop(cut(unit.rollback(), polls).await),
                _ => drop(cut(unit.close(), polls).await),
            }
            unit.close().await.unwrap();
            unit.session().await.unwrap().write("next").await.unwrap();
            unit.commit().await.unwrap();
            assert_eq!(backend.committed().last().unwrap(), "next");
            assert!(step == 1 || backend.committed() == ["next"]);
            drop(unit);
            end(&backend, &pool).await;
        }
    }
}

#[test]
fn the_values_of_settings_are_not_printed() {
    let options = TxOptions::new().setting("app.token", "hunter2");
    let text = format!("{options:?} {:?}", Retry::on_conflict(1).options(options.clone()));
    assert!(text.contains("app.token") && !text.contains("hunter2"), "{text}");
}
