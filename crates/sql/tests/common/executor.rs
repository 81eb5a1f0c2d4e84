//! Rules of a session as an `sqlx::Executor`, over whichever database's `place` this is
//! compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use futures_util::{StreamExt, TryStreamExt};
use sessionpool_core::{Condition, Session};
use sqlx::{Either, Executor, Row, SqlSafeStr, Statement};

use crate::place::{MANY, Place, TOUCHES, UNIQUE, assert_clean, code, insert};

pub(crate) async fn queries_run_in_all_shapes() {
    let place = Place::new().await;
    let mut session = place.session().await;

    let done = sqlx::query("insert into t values ($1), ($2)")
        .bind(1_i64)
        .bind(2_i64)
        .execute(&mut session)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 2);
    assert_clean(&session);

    let all = sqlx::query("select x from t").fetch_all(&mut session).await.unwrap();
    assert_eq!(all.len(), 2);
    let one: i64 =
        sqlx::query_scalar("select max(x) from t").fetch_one(&mut session).await.unwrap();
    assert_eq!(one, 2);
    let none = sqlx::query("select 1 where false").fetch_optional(&mut session).await.unwrap();
    assert!(none.is_none());
    let pair: (i32, String) = sqlx::query_as("select 1, $1")
        .bind("a")
        .persistent(false)
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert_eq!(pair, (1, "a".to_owned()));
    let rows: Vec<i64> = sqlx::query("select x from t order by x")
        .fetch(&mut session)
        .map_ok(|row| row.get::<i64, _>(0))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows, [1, 2]);
    assert_clean(&session);

    let steps: Vec<_> = (&mut session)
        .fetch_many("insert into t values (3) returning x")
        .try_collect()
        .await
        .unwrap();
    assert!(matches!(steps[..], [Either::Right(_), Either::Left(_)]));
    let counts: Vec<_> = (&mut session).execute_many("delete from t").try_collect().await.unwrap();
    assert_eq!(counts.iter().map(|done| done.rows_affected()).sum::<u64>(), 3);
    assert_clean(&session);
}

pub(crate) async fn a_statement_is_prepared_and_described() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let sql = "select x from t where x = $1";
    let statement = (&mut session).prepare(sql.into_sql_str()).await.unwrap();
    assert_eq!(statement.columns().len(), 1);
    let found = statement.query().bind(1_i64).fetch_optional(&mut session).await.unwrap();
    assert!(found.is_none());
    let described = (&mut session).describe(sql.into_sql_str()).await.unwrap();
    assert_eq!(described.columns().len(), 1);
    assert_clean(&session);
}

pub(crate) async fn a_failed_statement_leaves_the_session_clean() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await;
    let twice = sqlx::query("insert into t values (1)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&twice), UNIQUE);
    assert_clean(&session);
    assert!(sqlx::query("select nonsense").fetch_all(&mut session).await.is_err());
    assert!(sqlx::query("select 1 where false").fetch_one(&mut session).await.is_err());
    assert_clean(&session);
    let own: String = sqlx::query_scalar("select 'own'").fetch_one(&mut session).await.unwrap();
    assert_eq!(own, "own");
}

pub(crate) async fn a_stream_that_was_never_polled_does_not_count() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop(sqlx::query(TOUCHES).fetch(&mut session));
    drop(sqlx::query("begin").execute(&mut session));
    drop((&mut session).fetch_optional("begin"));
    assert_clean(&session);
}

pub(crate) async fn a_dropped_stream_leaves_the_session_busy_and_usable() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut rows = sqlx::query(MANY).fetch(&mut session);
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!(first.get::<i32, _>(0), 0);
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);

    // The next answer is its own, not the rest of the old one.
    let own: String = sqlx::query_scalar("select 'own'").fetch_one(&mut session).await.unwrap();
    assert_eq!(own, "own");
    assert_clean(&session);
}

pub(crate) async fn a_stream_is_over_only_when_it_says_so() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut rows = sqlx::query("select 1").fetch(&mut session);
    assert!(rows.next().await.unwrap().is_ok());
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);

    let mut rows = sqlx::query("select 1").fetch(&mut session);
    assert!(rows.next().await.unwrap().is_ok());
    assert!(rows.next().await.is_none());
    assert!(rows.next().await.is_none());
    drop(rows);
    assert_clean(&session);
}
