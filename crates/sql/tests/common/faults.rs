//! The faults of plain sqlx 0.9 that are the same over whichever server's `place` this is
//! compiled beside, and ours without them. Numbered as in `postgres/faults.rs`.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use sqlx::{Connection, Executor};

use crate::place::{BEGIN_READ_ONLY, LOCKED, Outside, Place, WAIT_BRIEFLY, code, insert};

/// Of a test that holds sqlx to its fault.
const LEARNED: &str = "sqlx has learned: this fault is gone";

/// F3: a begin with options inside a transaction.
pub(crate) async fn sqlx_refuses_it_and_rolls_back_the_outer_one_and_says_it_was_committed() {
    let place = Place::new().await;
    let mut plain = place.plain().await;
    let mut outer = plain.begin().await.unwrap();
    outer.execute("insert into t values (1)").await.unwrap();
    assert!(outer.begin_with(BEGIN_READ_ONLY).await.is_err());
    outer.commit().await.unwrap();
    assert!(place.has_no_rows().await, "{LEARNED}");
}

/// F7: a transaction that is dropped. As in a deadpool: the connection lies in the pool,
/// and nobody has looked at it.
pub(crate) async fn sqlx_only_queues_the_rollback() {
    let place = Place::new().await;
    let mut plain = place.plain().await;
    let mut tx = plain.begin().await.unwrap();
    tx.execute("insert into t values (1)").await.unwrap();
    drop(tx);
    let mut next = place.plain().await;
    next.execute(WAIT_BRIEFLY).await.unwrap();
    let error = next.execute("insert into t values (1)").await.expect_err(LEARNED);
    assert_eq!(code(&error), LOCKED, "{LEARNED}");
    place.in_transaction(1).await;
}

/// F7, without it.
pub(crate) async fn here_it_is_rolled_back_before_anybody_asks() {
    let place = Place::new().await;
    let pool = place.pool();
    let mut unit = pool.unit();
    insert(Box::pin(unit.session()).await.unwrap(), 1).await;
    place.in_transaction(1).await;
    drop(unit);
    place.in_transaction(0).await;
    assert_eq!(pool.status().counters.opened, 1, "and no session was lost");
}
