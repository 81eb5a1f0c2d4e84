//! Units that lost against others.

use std::time::Duration;

use sessionpool_core::{Backend, Fault, Isolation, Session, Transactional, TxOptions};
use sessionpool_sql::PgSession;

use crate::place::{
    Place, assert_clean, begin, begin_in, code, commit, insert, one, release, rolled_back, run,
};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_conflict_is_remembered_to_the_transactions_end() {
    let place = Place::new().await;
    place.run("insert into t values (1), (2)").await;
    let (mut first, mut second) = (place.session().await, place.session().await);
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    begin_in(&mut first, options.clone()).await;
    begin_in(&mut second, options).await;
    one(&mut first, "select count(*) from t").await;
    one(&mut second, "select count(*) from t").await;
    run(&mut first, "update t set x = 11 where x = 1").await;
    commit(&mut first).await;
    let error =
        sqlx::query("update t set x = 12 where x = 1").execute(&mut second).await.unwrap_err();
    assert_eq!(code(&error), "40001");
    assert_eq!(PgSession::classify(&error), Fault::Conflict);
    assert!(second.has_conflict());
    assert!(sqlx::query("select 1").execute(&mut second).await.is_err());
    assert!(second.has_conflict());
    rolled_back(PgSession::commit(&mut second).await);
    assert!(!second.has_conflict());
    assert_clean(&second);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_conflict_may_come_with_the_commit() {
    let place = Place::new().await;
    place.run("insert into t values (1)").await;
    let (mut first, mut second) = (place.session().await, place.session().await);
    let options = TxOptions::new().isolation(Isolation::Serializable);
    for session in [&mut first, &mut second] {
        begin_in(session, options.clone()).await;
        one(session, "select sum(x)::bigint from t").await;
    }
    insert(&mut first, 10).await;
    insert(&mut second, 20).await;
    commit(&mut first).await;
    let error = rolled_back(PgSession::commit(&mut second).await);
    assert_eq!(code(&error), "40001");
    assert_eq!(PgSession::classify(&error), Fault::Conflict);
    assert_clean(&second);
    assert_eq!(place.rows().await, [1, 10]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_deadlock_is_a_conflict() {
    let place = Place::new().await;
    place.run("insert into t values (1), (2)").await;
    let (mut first, mut second) = (place.session().await, place.session().await);
    begin(&mut first).await;
    begin(&mut second).await;
    run(&mut first, "update t set x = x where x = 1").await;
    run(&mut second, "update t set x = x where x = 2").await;
    let crossed = tokio::join!(
        sqlx::query("update t set x = x where x = 2").execute(&mut first),
        sqlx::query("update t set x = x where x = 1").execute(&mut second),
    );
    let error = match crossed {
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(&error), "40P01");
    assert_eq!(PgSession::classify(&error), Fault::Conflict);
    assert!(first.has_conflict() != second.has_conflict());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_lock_timeout_is_a_conflict_where_that_is_asked_for() {
    let place = Place::new().await;
    place.run("insert into t values (1)").await;
    let mut holder = place.session().await;
    begin(&mut holder).await;
    run(&mut holder, "update t set x = 1").await;
    let options = TxOptions::new().lock_timeout(Duration::from_millis(10));
    for (postgres, conflict) in
        [(place.postgres(), false), (place.postgres().lock_timeout_is_conflict(), true)]
    {
        let mut late = postgres.open().await.unwrap();
        begin_in(&mut late, options.clone()).await;
        let error = sqlx::query("update t set x = 2").execute(&mut late).await.unwrap_err();
        assert_eq!(code(&error), "55P03");
        assert_eq!(late.has_conflict(), conflict);
        release(&mut late).await;
    }
}
