use super::units::{AppError, one};
use super::*;
use sessionpool_core::{Fault, Rollback, TxError};
use sessionpool_testkit::{Act, Verb};

#[tokio::test(start_paused = true)]
async fn a_savepoint_left_half_way_forbids_the_commit() {
    let (backend, pool) = one();
    let answer = pool
        .transaction(async |tx| {
            tx.write("outer").await?;
            let half = tx.savepoint(async |tx| {
                tx.write("half").await?;
                std::future::pending::<()>().await;
                Ok::<_, AppError>(())
            });
            let _ = tokio::time::timeout(ms(5), half).await;
            Ok::<_, AppError>(())
        })
        .await;
    let AppError::Tx(error) = answer.unwrap_err() else { panic!() };
    assert!(
        matches!(error, TxError::RolledBack { why: Rollback::SavepointAbandoned, .. }),
        "{error}"
    );
    assert!(backend.committed().is_empty());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_savepoint_left_half_way_is_healed_by_the_one_around_it() {
    let (backend, pool) = one();
    pool.transaction(async |tx| {
        tx.write("1").await?;
        let around = tx
            .savepoint(async |tx| {
                tx.write("2").await?;
                let half = tx.savepoint(async |tx| {
                    tx.write("3").await?;
                    std::future::pending::<()>().await;
                    Ok::<_, AppError>(())
                });
                let _ = tokio::time::timeout(ms(5), half).await;
                Ok::<_, AppError>(()) // not kept: the half is inside
            })
            .await;
        assert!(matches!(
            around,
            Err(AppError::Tx(TxError::RolledBack { why: Rollback::SavepointAbandoned, .. }))
        ));
        tx.write("4").await?;
        Ok::<_, AppError>(())
    })
    .await
    .unwrap();
    assert_eq!(backend.committed(), ["1", "4"]);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_savepoint_whose_end_fails_forbids_the_commit() {
    let (backend, pool) = one();
    backend.next(Verb::RollbackTo, Act::fail(Fault::Other));
    let answer = pool
        .transaction(async |tx| {
            let undone = tx.savepoint(async |tx| {
                tx.write("undone?").await?;
                Err::<(), _>(AppError::Refused)
            });
            assert!(matches!(undone.await, Err(AppError::Refused)));
            Ok::<_, AppError>(())
        })
        .await;
    assert!(answer.is_err());
    assert!(backend.committed().is_empty());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_savepoint_that_met_a_conflict_says_so() {
    for verb in [Verb::Savepoint, Verb::ReleaseSavepoint] {
        let (backend, pool) = one();
        backend.next(verb, Act::fail(Fault::Conflict));
        let answer = pool.transaction(async |tx| {
            tx.savepoint(async |tx| Ok::<_, AppError>(tx.write("a row").await?)).await
        });
        let AppError::Tx(error) = answer.await.unwrap_err() else { panic!("{verb:?}") };
        assert!(matches!(error, TxError::Savepoint { fault: Fault::Conflict, .. }), "{error}");
        assert!(error.is_conflict(), "{error}");
        assert!(backend.committed().is_empty());
        end(&backend, &pool).await;
    }
}
