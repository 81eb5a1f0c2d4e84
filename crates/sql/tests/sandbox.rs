//! A pool within a transaction that is never committed; over SQLite.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::Duration;

use common::{Place, failure, insert};
use sessionpool_core::{Pool, TxError};
use sessionpool_sql::{Sandbox, SqlFailure, SqliteSession};

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

async fn seen(pool: &Pool<SqliteSession>) -> Vec<i64> {
    let mut lease = pool.acquire().await.unwrap();
    sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap()
}

#[tokio::test]
async fn the_application_works_as_ever_and_leaves_no_trace() {
    let place = Place::new().await;
    let pool = Pool::builder(place.sqlite()).build().unwrap();
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
    done.await.unwrap();
    let undone = sandbox.transaction(async |tx| {
        insert(tx, 3).await;
        Err::<(), _>(Failed::OnPurpose)
    });
    assert!(undone.await.is_err());
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 4).await;
    assert!(sqlx::query("insert into t values (4)").execute(&mut *lease).await.is_err());
    for sql in ["commit", "insert into t values (6); commit"] {
        let error = sqlx::raw_sql(sql).execute(&mut *lease).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{sql}: {error}");
    }
    let error = lease.connection().unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    // Elsewhere it would cost the session.
    sqlx::query("pragma foreign_keys").execute(&mut *lease).await.unwrap();
    drop(lease);
    assert_eq!(seen(&sandbox).await, [1, 4]);
    assert!(place.rows().await.is_empty(), "nobody else sees it");
    assert!(sandbox.close(Duration::from_secs(5)).await.is_complete());
    assert!(place.rows().await.is_empty(), "and nothing has been");
    insert(&mut pool.acquire().await.unwrap(), 5).await;
    assert_eq!(place.rows().await, [5]);
}
