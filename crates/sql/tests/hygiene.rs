//! What a borrower leaves behind never reaches the next one.
#![cfg(feature = "sqlite")]

mod common;

use common::{Place, assert_clean, failure, insert, run};
use sessionpool_core::{Condition, Session};
use sessionpool_sql::{SqlFailure, SqliteSession};
use sqlx::Executor;

#[tokio::test]
async fn a_borrowers_own_transaction_is_rolled_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for open in ["begin", "savepoint mine", "/* now */ BEGIN IMMEDIATE"] {
        sqlx::query(open).execute(&mut session).await.unwrap();
        insert(&mut session, 1).await;
        assert_eq!(session.condition(), Condition::Dirty, "{open}");
        SqliteSession::release(&mut session).await.unwrap();
        assert_clean(&session);
    }
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
async fn a_borrowers_own_transaction_may_be_over() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    run(&mut session, "commit").await;
    assert_eq!(session.condition(), Condition::Dirty);
    SqliteSession::release(&mut session).await.unwrap();
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn a_touched_session_is_not_lent_again() {
    let place = Place::new().await;
    for (sql, by) in [
        ("pragma foreign_keys = off", "PRAGMA"),
        ("attach ':memory:' as other", "ATTACH"),
        ("create temp table u (x)", "CREATE TEMP"),
        ("create table if not exists temp.u (x)", "CREATE TEMP"),
        ("select 1; pragma foreign_keys = off", "several statements in one text"),
    ] {
        let mut session = place.session().await;
        run(&mut session, sql).await;
        assert_eq!(session.condition(), Condition::Dirty, "{sql}");
        let error = SqliteSession::release(&mut session).await.unwrap_err();
        assert!(
            matches!(failure(&error), SqlFailure::Touched { by: it, .. } if *it == by),
            "{error}"
        );
        assert_eq!(session.condition(), Condition::Dirty, "{sql}");
    }
}

/// A variable may have a suffix in brackets, of whatever signs.
#[tokio::test]
async fn a_second_statement_in_disguise_is_seen_and_its_session_not_lent_again() {
    let place = Place::new().await;
    for sql in [
        "select $a('); pragma foreign_keys = off; -- ')",
        "select @a::b('); pragma foreign_keys = off; -- ')",
        "select :a(\"); pragma foreign_keys = off; -- \")",
    ] {
        let mut session = place.session().await;
        session.execute(sql).await.unwrap();
        assert_eq!(session.condition(), Condition::Dirty, "{sql}");
        let keys = sqlx::query_scalar("pragma foreign_keys").fetch_one(&mut session).await;
        assert_eq!(keys.ok(), Some(0_i64), "{sql}");
        SqliteSession::release(&mut session).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_touch_that_failed_is_one() {
    let place = Place::new().await;
    let mut session = place.session().await;
    assert!(sqlx::query("attach '/nowhere/x' as x").execute(&mut session).await.is_err());
    assert!(SqliteSession::release(&mut session).await.is_err());
}

#[tokio::test]
async fn the_raw_connection_touches() {
    let place = Place::new().await;
    let mut session = place.session().await;
    sqlx::query("insert into t values (1)").execute(session.connection().unwrap()).await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
    let error = SqliteSession::release(&mut session).await.unwrap_err();
    assert_eq!(
        failure(&error).to_string(),
        "session cannot be lent again after use of its raw connection"
    );
}

#[tokio::test]
async fn ordinary_work_needs_no_cleaning() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in [
        "create table u (x)",
        "create index i on u (x)",
        "create trigger g after insert on u begin delete from u where x < 0; delete from t; end",
        "insert into u values (1)",
        "-- why\nupdate u set x = 2",
        "replace into u values (3)",
        "values (1)",
        "with n as (select 1) select * from n",
        "explain query plan select * from u",
        "alter table u add column y",
        "analyze",
        "reindex",
        "delete from u",
        "drop table u",
        "vacuum",
    ] {
        sqlx::query(sql).execute(&mut session).await.unwrap();
        assert_eq!(session.condition(), Condition::Clean, "{sql}");
    }
}
