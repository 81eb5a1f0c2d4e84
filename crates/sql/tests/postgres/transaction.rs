//! Units of work: what was committed is what the outcome says.

use std::error::Error as _;

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{CommitOutcome, Condition, Session, Transactional, TxOptions};
use sessionpool_sql::{PgSession, SqlFailure};
use sqlx::Executor;

use crate::place::{
    Distant, Place, assert_clean, begin, code, commit, drop_half_way, failure, insert,
    refused_commit, release, rolled_back, run, text, unknown,
};

#[path = "../common/transaction.rs"]
mod shared;

rules! {
    #[ignore = "needs PostgreSQL"]
    shared:
    a_commit_against_a_deferred_constraint_is_rolled_back,
    a_dropped_savepoint_leaves_the_unit_alone,
    a_stream_left_early_does_not_stand_in_the_way_of_a_commit,
    commit_keeps_and_rollback_undoes,
    savepoints_nest,
    without_a_transaction_there_is_nothing_to_end,
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_drivers_own_depth_stays_zero() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    assert!(!sqlx::Connection::is_in_transaction(session.connection().unwrap()));
    PgSession::rollback(&mut session).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn after_an_error_each_statement_names_the_first_one() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let first = sqlx::query("insert into t values (1)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&first), "23505");
    for sql in ["select 1", "insert into t values (2)", "savepoint x", "select nonsense"] {
        let error = sqlx::query(sql).execute(&mut session).await.unwrap_err();
        let SqlFailure::PendingRollback { source, .. } = failure(&error) else {
            panic!("{error:?}");
        };
        assert_eq!(source.code, "23505");
        assert!(source.message.contains("t_pkey"), "{source}");
    }
    let mut rows = sqlx::query("select 1").fetch(&mut session);
    let error = rows.next().await.unwrap().unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }));
    drop(rows);
    assert!(PgSession::savepoint(&mut session).await.is_err());

    let error = refused_commit(&place, &mut session).await;
    let SqlFailure::PendingRollback { source, .. } = failure(&error) else { panic!("{error:?}") };
    assert_eq!(source.code, "23505");
    assert!(failure(&error).source().is_some_and(|it| it.to_string().contains("(23505)")));
    insert(&mut session, 3).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_fails_on_our_side_costs_no_transaction() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    assert!(sqlx::query("select 1 where false").fetch_one(&mut session).await.is_err());
    let wrong: Result<(String,), _> = sqlx::query_as("select 1").fetch_one(&mut session).await;
    assert!(wrong.is_err());
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_savepoint_heals_what_failed_within_it() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let mark = PgSession::savepoint(&mut session).await.unwrap();
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    assert!(PgSession::release_savepoint(&mut session, mark).await.is_err());
    PgSession::rollback_to(&mut session, mark).await.unwrap();
    insert(&mut session, 2).await;

    // The borrower's own, too.
    run(&mut session, "savepoint mine").await;
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    run(&mut session, "rollback to mine").await;
    insert(&mut session, 3).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1, 2, 3]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_error_nobody_saw_is_told_at_commit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    assert!(session.connection().unwrap().execute("select nonsense").await.is_err());
    let error = rolled_back(PgSession::commit(&mut session).await);
    assert_eq!(code(&error), "25P02");
    release(&mut session).await;
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_division_by_zero_in_a_deferred_trigger_is_not_taken_for_our_own() {
    let place = Place::new().await;
    place
        .run(
            "create function f() returns trigger language plpgsql as \
               $$ begin perform 1 / (new.x - 1); return null; end $$; \
             create constraint trigger late after insert on t deferrable initially deferred \
               for each row execute function f()",
        )
        .await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let error = refused_commit(&place, &mut session).await;
    assert_eq!(code(&error), "22012");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_begin_dropped_half_way_is_rolled_back() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    let begun = PgSession::begin(&mut session, &TxOptions::new()).now_or_never();
    assert!(begun.is_none(), "{begun:?}");
    assert_eq!(session.condition(), Condition::Busy);
    release(&mut session).await;
    insert(&mut session, 1).await;
    assert_eq!(distant.place.rows().await, [1], "no transaction is open");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_dropped_half_way_comes_to_its_end() {
    let distant = Distant::new().await;
    distant
        .place
        .run(
            "create function f() returns trigger language plpgsql as \
               $$ begin perform pg_sleep(0.3); return null; end $$; \
             create constraint trigger late after insert on t deferrable initially deferred \
               for each row execute function f()",
        )
        .await;
    let mut session = distant.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let committed = PgSession::commit(&mut session).now_or_never();
    assert!(committed.is_none(), "{committed:?}");
    assert_eq!(session.condition(), Condition::Busy);
    // It is not cancelled: a commit that is under way had better come to its end.
    release(&mut session).await;
    assert_eq!(distant.place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_second_commit_after_one_that_was_dropped_is_unknown() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let committed = PgSession::commit(&mut session).now_or_never();
    assert!(committed.is_none(), "{committed:?}");
    unknown(PgSession::commit(&mut session).await);
    assert_clean(&session);
    assert_eq!(distant.place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_late_error_of_a_dropped_statement_dooms_its_transaction_and_nobody_elses() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    let late = "select 1 / 0";
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, late);
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    let SqlFailure::PendingRollback { source, .. } = failure(&error) else { panic!("{error:?}") };
    assert_eq!(source.code, "22012");
    rolled_back(PgSession::commit(&mut session).await);

    drop_half_way(&mut session, late);
    assert_eq!(text(&mut session, "select 'own'").await, "own");
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn savepoint_names_of_a_session_do_not_come_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        begin(&mut session).await;
        let mark = PgSession::savepoint(&mut session).await.unwrap();
        numbers.push(mark.number());
        release(&mut session).await;
    }
    assert_eq!(numbers, [1, 2, 3]);
    assert!(matches!(PgSession::commit(&mut session).await, CommitOutcome::RolledBack(_)));
}
