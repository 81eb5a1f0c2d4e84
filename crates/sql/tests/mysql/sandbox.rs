//! A pool within a transaction that is never committed.

use sessionpool_core::{Pool, TxError, TxOptions};
use sessionpool_sql::{MySqlSession, Sandbox, SqlFailure};
use sqlx::Executor;

use crate::place::{Place, SOON, failure, insert, one, run};

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

async fn seen(pool: &Pool<MySqlSession>) -> Vec<i64> {
    let mut lease = pool.acquire().await.unwrap();
    sqlx::query_scalar("select x from t order by x").fetch_all(&mut *lease).await.unwrap()
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_application_works_as_ever_and_leaves_no_trace() {
    let place = Place::new().await;
    let pool = Pool::builder(place.mysql()).build().unwrap();
    let sandbox = pool.sandbox().await.unwrap();
    let of_tenant = TxOptions::new().setting("tenant", "7");
    for fails in [false, true] {
        let done = sandbox.transaction_in(of_tenant.clone(), async |tx| {
            assert_eq!(one(tx, "select cast(@tenant as signed)").await, 7);
            insert(tx, if fails { 2 } else { 1 }).await;
            if fails { Err(Failed::OnPurpose) } else { Ok(()) }
        });
        assert_eq!(done.await.is_err(), fails);
        let mut lease = sandbox.acquire().await.unwrap();
        assert_eq!(one(&mut lease, "select cast(coalesce(@tenant, 0) as signed)").await, 0);
    }
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 3).await;
    assert!(sqlx::query("insert into t values (3)").execute(&mut *lease).await.is_err());
    for sql in ["commit", "create table u (x int)"] {
        let error = lease.execute(sql).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{sql}: {error}");
    }
    // Elsewhere it would cost the session.
    run(&mut lease, "select @mine := 1").await;
    drop(lease);
    assert_eq!(seen(&sandbox).await, [1, 3]);
    assert!(place.rows().await.is_empty(), "nobody else sees it");
    assert!(sandbox.close(SOON).await.is_complete());
    assert!(place.rows().await.is_empty(), "and nothing has been");
    insert(&mut pool.acquire().await.unwrap(), 5).await;
    assert_eq!(place.rows().await, "5");
}
