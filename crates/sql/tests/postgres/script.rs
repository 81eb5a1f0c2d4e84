//! Scripts: a whole unit of work in one round trip.

use futures_util::FutureExt;
use sessionpool_core::{CommitOutcome, Condition, Session, TxOptions};
use sessionpool_sql::{PgSession, Script, SqlFailure};
use sessionpool_testkit::proxy::{Direction, Then};

use crate::place::{
    Distant, Place, assert_clean, begin, code, commit, committed, failure, insert, release,
    rolled_back, run, unknown,
};

#[path = "../common/script.rs"]
mod shared;

rules! {
    #[ignore = "needs PostgreSQL"]
    shared: a_script_is_kept_within_the_sandbox,
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_is_one_round_trip_and_leaves_the_session_clean() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    let script = Script::new("insert into t values (1); select x from t; update t set x = x + 1");
    let before = distant.proxy.round_trips();
    committed(session.run(&script).await);
    assert_eq!(distant.proxy.round_trips() - before, 1);
    assert_clean(&session);
    assert_eq!(distant.place.rows().await, [2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_is_all_or_nothing() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t deferrable initially deferred)").await;
    let mut session = place.session().await;
    for (sql, wanted) in [
        ("insert into t values (1); insert into t values (1); select 1", "23505"),
        ("insert into t values (1); select 1 / 0", "22012"),
        ("insert into t values (1); insert into child values (2)", "23503"),
        ("insert into t values (1); select nonsense", "42703"),
        ("insert into t values (1); syntax error", "42601"),
        ("insert into t values (1); select 'no end", "42601"),
        ("insert into t values (1); /* no end", "42601"),
    ] {
        let error = rolled_back(session.run(&Script::new(sql)).await);
        assert_eq!(code(&error), wanted, "{sql}");
        release(&mut session).await;
        assert!(place.rows().await.is_empty(), "{sql}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_may_end_as_it_likes() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in ["insert into t values (1);;", "insert into t values (2) -- two", "", "; -- x"] {
        committed(session.run(&Script::new(sql)).await);
    }
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_has_the_options_of_a_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let script = Script::new("insert into t select current_setting('app.tenant')::bigint")
        .options(TxOptions::new().setting("app.tenant", "7"));
    committed(session.run(&script).await);
    assert_eq!(place.rows().await, [7]);
    let script = Script::new("insert into t values (8)").options(TxOptions::new().read_only());
    assert_eq!(code(&rolled_back(session.run(&script).await)), "25006");
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_that_meddles_with_transactions_is_not_run() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in ["insert into t values (1); commit", "begin; select 1", "rollback to x; select 1"] {
        let error = rolled_back(session.run(&Script::new(sql)).await);
        assert!(matches!(failure(&error), SqlFailure::ScriptRefused { .. }), "{sql}: {error}");
        assert_clean(&session);
    }
    begin(&mut session).await;
    insert(&mut session, 1).await;
    let error = rolled_back(session.run(&Script::new("insert into t values (2)")).await);
    assert!(matches!(failure(&error), SqlFailure::ScriptRefused { .. }), "{error}");
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1], "the unit went on");
}

/// An end of the transaction that cannot be seen in the text.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_whose_transaction_was_ended_inside_is_not_said_to_be_committed() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "set standard_conforming_strings = off").await;
    // With backslashes as escapes the string ends before the COMMIT.
    let sql = "insert into t values (1); select '\\''; commit; select '";
    match session.run(&Script::new(sql)).await {
        CommitOutcome::Unknown(_) | CommitOutcome::RolledBack(_) => {}
        CommitOutcome::Committed => panic!("the transaction was not ours"),
    }
    release(&mut session).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_with_a_trace_is_cleaned_up_after() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let outcome = session.run(&Script::new("create temp table u (x int); select 1")).await;
    assert!(matches!(outcome, CommitOutcome::Committed), "{outcome:?}");
    assert_eq!(session.condition(), Condition::Dirty);
    release(&mut session).await;
    run(&mut session, "create temp table u (x int)").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_script_that_was_dropped_leaves_nothing_open() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    let script = Script::new("insert into t values (1); select pg_sleep(3600)");
    assert!(session.run(&script).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    release(&mut session).await;
    assert!(distant.place.rows().await.is_empty());
    insert(&mut session, 2).await;
    assert_eq!(distant.place.rows().await, [2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_lost_answer_to_a_script_is_unknown() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    distant.proxy.when(Direction::ToServer, "COMMIT", Then::LoseReply);
    unknown(session.run(&Script::new("insert into t values (1)")).await);
    assert!(matches!(session.condition(), Condition::Broken(_)));
    assert!(PgSession::release(&mut session).await.is_err());
    distant.place.becomes(1, "select count(*) from t").await;
}
