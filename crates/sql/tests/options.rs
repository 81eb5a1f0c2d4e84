//! What a unit may be asked to be like, and is.
#![cfg(feature = "sqlite")]

mod common;

use std::time::Duration;

use common::{
    LONG, LONG_ROWS, Place, assert_clean, begin, begin_read_only, code, commit, drop_half_way,
    failure, insert, run,
};
use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{Condition, Fault, Isolation, Session, Transactional, TxOptions};
use sessionpool_sql::{SqlFailure, SqliteSession};

#[tokio::test]
async fn every_isolation_can_be_asked_for() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for isolation in [Isolation::ReadUncommitted, Isolation::Serializable] {
        SqliteSession::begin(&mut session, &TxOptions::new().isolation(isolation)).await.unwrap();
        let dirty_reads: i64 =
            sqlx::query_scalar("pragma read_uncommitted").fetch_one(&mut session).await.unwrap();
        assert_eq!(dirty_reads, 0);
        commit(&mut session).await;
    }
}

#[tokio::test]
async fn what_sqlite_cannot_do_is_refused() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let limit = Duration::from_secs(1);
    for options in [
        TxOptions::new().setting("app.tenant", "7"),
        TxOptions::new().statement_timeout(limit),
        TxOptions::new().lock_timeout(limit),
        TxOptions::new().idle_timeout(limit),
    ] {
        let error = SqliteSession::begin(&mut session, &options).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::Unsupported { .. }), "{error}");
        assert_eq!(SqliteSession::classify(&error), Fault::Rejected);
        assert_clean(&session);
    }
    SqliteSession::begin(&mut session, &TxOptions::new().deferrable()).await.unwrap();
    commit(&mut session).await;
}

#[tokio::test]
async fn a_read_only_unit_cannot_write() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await;

    for end in ["commit", "rollback", "release", "dropped statement"] {
        begin_read_only(&mut session).await;
        let seen: i64 =
            sqlx::query_scalar("select count(*) from t").fetch_one(&mut session).await.unwrap();
        assert_eq!(seen, 1);
        for sql in ["insert into t values (2)", "delete from t", "create table u (x)"] {
            let error = sqlx::query(sql).execute(&mut session).await.unwrap_err();
            assert_eq!(code(&error), "8", "{sql}");
            assert_eq!(SqliteSession::classify(&error), Fault::Other);
        }
        match end {
            "commit" => commit(&mut session).await,
            "rollback" => SqliteSession::rollback(&mut session).await.unwrap(),
            "release" => SqliteSession::release(&mut session).await.unwrap(),
            _ => {
                let mut rows = sqlx::query("select x from t").fetch(&mut session);
                assert!(rows.next().await.unwrap().is_ok());
                drop(rows);
                assert_eq!(session.condition(), Condition::Busy);
                SqliteSession::release(&mut session).await.unwrap();
            }
        }
        assert_clean(&session);
        let refusing: i64 =
            sqlx::query_scalar("pragma query_only").fetch_one(&mut session).await.unwrap();
        assert_eq!(refusing, 0, "{end}");
        session = place.session().await;
    }
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn the_next_unit_after_a_read_only_one_can_write() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin_read_only(&mut session).await;
    commit(&mut session).await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn a_read_only_begin_dropped_half_way_is_undone() {
    let place = Place::new().await;
    let mut session = place.session().await;
    // Keeps the session's thread from answering at once.
    drop_half_way(&mut session, LONG);
    let begun = SqliteSession::begin(&mut session, &TxOptions::new().read_only()).now_or_never();
    assert!(begun.is_none());
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    run(&mut session, "delete from t").await; // it came to its end, or was stopped
    insert(&mut session, 0).await;
    assert_eq!(place.rows().await, [0]);

    // Nor does it bind a unit begun without any release.
    run(&mut session, "delete from t").await;
    drop_half_way(&mut session, LONG);
    let begun = SqliteSession::begin(&mut session, &TxOptions::new().read_only()).now_or_never();
    assert!(begun.is_none());
    begin(&mut session).await;
    insert(&mut session, -1).await;
    commit(&mut session).await;
    insert(&mut session, -2).await;
    assert_clean(&session);
    assert!([2, LONG_ROWS + 2].contains(&place.rows().await.len()));
}
