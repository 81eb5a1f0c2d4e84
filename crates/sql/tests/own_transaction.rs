//! What becomes of a unit whose borrower begins and ends transactions himself.
#![cfg(feature = "sqlite")]

mod common;

use common::{Place, assert_clean, begin, failure, insert, refused_commit, rolled_back, run};
use sessionpool_core::{Backend, CommitOutcome, Transactional, TxOptions};
use sessionpool_sql::{BeginMode, SqlFailure, SqliteSession};

#[tokio::test]
async fn a_borrowers_own_rollback_ends_the_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "rollback").await;
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
    let error = refused_commit(&place, &mut session).await;
    assert!(matches!(failure(&error), SqlFailure::RolledBack));
}

#[tokio::test]
async fn a_borrowers_own_commit_makes_the_outcome_unknown() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit").await;
    let outcome = SqliteSession::commit(&mut session).await;
    let CommitOutcome::Unknown(error) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
async fn a_borrowers_own_commit_of_nothing_leaves_nothing_behind() {
    let place = Place::new().await;
    let mut session = place.sqlite().begin_mode(BeginMode::Deferred).open().await.unwrap();
    begin(&mut session).await;
    sqlx::query("select x from t").fetch_all(&mut session).await.unwrap();
    run(&mut session, "commit").await;
    let error = rolled_back(SqliteSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_clean(&session);
}

#[tokio::test]
async fn what_follows_a_rollback_in_one_text_is_not_forgotten() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    sqlx::raw_sql("rollback; insert into t values (2)").execute(&mut session).await.unwrap();
    let outcome = SqliteSession::commit(&mut session).await;
    assert!(matches!(outcome, CommitOutcome::Unknown(_)), "{outcome:?}");
    assert_eq!(place.rows().await, [2]);
}

#[tokio::test]
async fn a_begin_inside_a_borrowers_own_transaction_fails_and_heals() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for options in [TxOptions::new(), TxOptions::new().read_only()] {
        run(&mut session, "begin").await;
        insert(&mut session, 1).await;
        assert!(SqliteSession::begin(&mut session, &options).await.is_err());
        assert_clean(&session);
    }
    insert(&mut session, 2).await;
    assert_eq!(place.rows().await, [2]);
}
