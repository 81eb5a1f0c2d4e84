//! Rules of a pool within a transaction that is never committed, over whichever
//! database's `place` this is compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use sessionpool_core::TxError;
use sessionpool_sql::Sandbox;
use sqlx::Executor;

use crate::place::{Place, insert};

/// How a unit of a test fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

pub(crate) async fn the_application_works_as_ever_and_leaves_no_trace() {
    let place = Place::new().await;
    let pool = place.pool();
    let sandbox = pool.sandbox().await.unwrap();
    let done = sandbox.transaction(async |tx| {
        insert(tx, 1).await;
        let inner = tx.savepoint(async |tx| {
            insert(tx, 2).await;
            Err::<(), _>(Failed::OnPurpose)
        });
        assert!(inner.await.is_err());
        Ok::<_, Failed>(())
    });
    Box::pin(done).await.unwrap();
    let mut unit = sandbox.unit();
    insert(Box::pin(unit.session()).await.unwrap(), 3).await;
    Box::pin(unit.commit()).await.unwrap();
    insert(Box::pin(unit.session()).await.unwrap(), 4).await;
    Box::pin(unit.rollback()).await.unwrap();
    drop(unit);
    insert(&mut sandbox.acquire().await.unwrap(), 5).await;
    let undone = sandbox.transaction(async |tx| {
        insert(tx, 6).await;
        Err::<(), _>(Failed::OnPurpose)
    });
    assert!(Box::pin(undone).await.is_err());

    let mut lease = sandbox.acquire().await.unwrap();
    assert!(lease.execute("insert into t values (5)").await.is_err(), "it is there");
    let seen: Vec<i64> =
        sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap();
    assert_eq!(seen, [1, 3, 5]);
    drop(lease);
    assert!(place.rows().await.is_empty(), "nobody else sees it");
    assert!(sandbox.close(Duration::from_secs(20)).await.is_complete());
    assert!(place.rows().await.is_empty(), "and nothing has been");
    insert(&mut pool.acquire().await.unwrap(), 7).await;
    assert!(!place.rows().await.is_empty(), "the pool itself goes on");
}
