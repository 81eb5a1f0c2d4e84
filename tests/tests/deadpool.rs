//! Our SQLite backend in deadpool's pool.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use deadpool::managed::Pool;
use sessionpool::sql::{Sqlite, SqliteSession};
use sessionpool::{Condition, Session, Transactional, TxOptions};
use sessionpool_deadpool::IntoDeadpool;

#[tokio::test]
async fn an_open_transaction_is_rolled_back_before_the_next_borrower() {
    let manager = IntoDeadpool::new(Sqlite::memory("deadpool"));
    let pool: Pool<_> = Pool::builder(manager).max_size(1).build().unwrap();

    let mut session = pool.get().await.unwrap();
    sqlx::query("create table t (x)").execute(&mut **session).await.unwrap();
    SqliteSession::begin(&mut session, &TxOptions::new()).await.unwrap();
    sqlx::query("insert into t values (1)").execute(&mut **session).await.unwrap();
    drop(session);

    let mut session = pool.get().await.unwrap();
    assert_eq!(session.condition(), Condition::Clean);
    let rows: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut **session).await.unwrap();
    assert_eq!(rows, 0);
    drop(session);

    pool.close();
    pool.manager().drained().await;
}
