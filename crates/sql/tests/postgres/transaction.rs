//! Units of work: what was committed is what the outcome says.

use std::error::Error as _;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Isolation, Session, Transactional, TxOptions,
};
use sessionpool_sql::{PgSession, SqlFailure};
use sqlx::Executor;

use crate::place::{
    Distant, Place, assert_clean, begin, code, commit, drop_half_way, failure, insert, one,
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

async fn begin_in(session: &mut PgSession, options: TxOptions) {
    PgSession::begin(session, &options).await.unwrap();
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
async fn all_that_was_asked_for_holds_inside_and_not_after() {
    let place = Place::new().await;
    place.run("create schema tenant_7; create table tenant_7.mine (x int)").await;
    let mut session = place.session().await;
    let options = TxOptions::new()
        .isolation(Isolation::Serializable)
        .read_only()
        .deferrable()
        .statement_timeout(Duration::from_secs(5))
        .lock_timeout(Duration::from_millis(700))
        .idle_timeout(Duration::from_secs(9))
        .setting("app.tenant", "o'ha\\ra")
        .setting("role", "pg_monitor")
        .setting("search_path", "tenant_7")
        .setting("application_name", "reports");
    let all = "select concat_ws('|', current_setting('transaction_isolation'), \
         current_setting('transaction_read_only'), current_setting('transaction_deferrable'), \
         current_setting('statement_timeout'), current_setting('lock_timeout'), \
         current_setting('idle_in_transaction_session_timeout'), \
         current_setting('app.tenant', true), current_user, current_setting('search_path'), \
         current_setting('application_name'))";
    let before = text(&mut session, all).await;
    begin_in(&mut session, options).await;
    assert_eq!(
        text(&mut session, all).await,
        "serializable|on|on|5s|700ms|9s|o'ha\\ra|pg_monitor|tenant_7|reports"
    );
    commit(&mut session).await;
    assert_clean(&session);
    // PostgreSQL keeps the name of a setting of one's own, with nothing in it.
    assert_eq!(text(&mut session, all).await.replace("||", "|"), before);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn each_isolation_is_the_servers() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for (isolation, name) in [
        (Isolation::ReadUncommitted, "read committed"),
        (Isolation::ReadCommitted, "read committed"),
        (Isolation::RepeatableRead, "repeatable read"),
        (Isolation::Serializable, "serializable"),
    ] {
        begin_in(&mut session, TxOptions::new().isolation(isolation)).await;
        assert_eq!(text(&mut session, "show transaction_isolation").await, name);
        commit(&mut session).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_setting_that_is_refused_leaves_no_unit() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().setting("role", "nobody_at_all");
    let error = PgSession::begin(&mut session, &options).await.unwrap_err();
    assert_eq!(code(&error), "22023");
    assert_clean(&session);
    insert(&mut session, 1).await;
    assert_eq!(place.rows().await, [1], "no transaction is open");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_value_is_never_taken_for_sql() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for value in ["'; drop table t; --", "\\'; drop table t; --", "$$", "", "é 𝄞"] {
        let options = TxOptions::new().setting("app.tenant", value);
        begin_in(&mut session, options).await;
        assert_eq!(text(&mut session, "select current_setting('app.tenant')").await, value);
        commit(&mut session).await;
        run(&mut session, "set standard_conforming_strings = off").await;
    }
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_cannot_be_sent_costs_no_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for (name, value) in [("app.tenant", "a\0b"), ("app\0.tenant", "7")] {
        let options = TxOptions::new().setting(name, value);
        let error = PgSession::begin(&mut session, &options).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::Unsupported { .. }), "{error}");
    }
    let error = sqlx::query("select $1::int, $2::int").bind(1).execute(&mut session).await;
    assert_eq!(code(&error.unwrap_err()), "08P01");
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_required_setting_is_brought_along_or_nothing_is_done() {
    let place = Place::new().await;
    let postgres = place.postgres().require_setting("app.tenant");
    let mut session = postgres.open().await.unwrap();
    let error = PgSession::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::MissingSetting { .. }), "{error}");
    assert_eq!(PgSession::classify(&error), Fault::Rejected);
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::OutsideUnit { .. }), "{error}");
    let error = sqlx::query("begin").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::OutsideUnit { .. }), "{error}");
    assert_clean(&session);

    begin_in(&mut session, TxOptions::new().setting("app.tenant", "7")).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    postgres.check(&mut session).await.unwrap();
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unit_inside_a_borrowers_own_transaction_is_refused() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    let error = PgSession::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::TransactionOpen));
    assert_clean(&session);
    assert!(place.rows().await.is_empty());
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
async fn a_borrowers_own_rollback_is_a_rollback() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in ["rollback", "/* never mind */ ABORT work"] {
        begin(&mut session).await;
        insert(&mut session, 1).await;
        run(&mut session, sql).await;
        let error =
            sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
        assert!(matches!(failure(&error), SqlFailure::RolledBack), "{error}");
        let error = refused_commit(&place, &mut session).await;
        assert!(matches!(failure(&error), SqlFailure::RolledBack), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrowers_own_commit_is_not_ours() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit").await;
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    let error = unknown(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);
}

/// What he has committed himself is in the database, whatever is said of the rest.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn after_a_statement_that_may_have_committed_a_refusal_is_no_rollback() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "commit and chain").await;
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    let error = unknown(PgSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }), "{error}");
    assert_clean(&session);
    assert_eq!(place.rows().await, [1]);

    begin(&mut session).await;
    insert(&mut session, 2).await;
    assert!(session.execute("commit; select nonsense").await.is_err());
    unknown(PgSession::commit(&mut session).await);
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn after_a_commit_dropped_half_way_nothing_is_committed_alone() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "commit");
    let error = sqlx::query("insert into t values (2)").execute(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{error}");
    unknown(PgSession::commit(&mut session).await);
    assert_eq!(distant.place.rows().await, [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_of_his_own_that_failed_commits_nothing() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t deferrable initially deferred)").await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "insert into child values (2)").await;
    let error = sqlx::query("commit").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "23503");
    refused_commit(&place, &mut session).await;
}

/// Texts whose end of the transaction is hidden: only the server can tell.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_transaction_that_is_not_ours_is_not_committed() {
    let place = Place::new().await;
    for sql in [
        "commit; begin; insert into t values (2)",
        "rollback; begin; insert into t values (2)",
        "commit and chain; insert into t values (2)",
        "insert into t values (9); rollback; begin; set local sessionpool.unit = 'mine'",
    ] {
        let mut session = place.session().await;
        begin(&mut session).await;
        session.execute(sql).await.unwrap();
        let error = unknown(PgSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{sql}: {error}");
        release(&mut session).await;
        assert!(place.rows().await.is_empty(), "{sql}: somebody's transaction was committed");
    }
    let mut session = place.session().await;
    for sql in ["commit", "rollback", "reset all"] {
        begin(&mut session).await;
        session.connection().unwrap().execute(sql).await.unwrap();
        let error = unknown(PgSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::NoTransaction), "{sql}: {error}");
        release(&mut session).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_after_chaining_is_not_ours() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    run(&mut session, "commit and chain").await;
    insert(&mut session, 2).await;
    unknown(PgSession::commit(&mut session).await);
    assert_clean(&session);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrowers_own_transaction_costs_nothing_once_it_is_over() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    assert_eq!(session.condition(), Condition::Dirty);
    run(&mut session, "commit").await;
    assert_clean(&session);
    run(&mut session, "start transaction").await;
    insert(&mut session, 2).await;
    assert!(sqlx::query("select nonsense").execute(&mut session).await.is_err());
    // PostgreSQL's own word for it: this transaction is not ours.
    let error = sqlx::query("select 1").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "25P02");
    release(&mut session).await;
    assert_eq!(place.rows().await, [1]);
}

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

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_write_in_a_read_only_unit_is_the_units_own_fault() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for options in
        [TxOptions::new().read_only(), TxOptions::new().setting("transaction_read_only", "on")]
    {
        begin_in(&mut session, options).await;
        let refused = sqlx::query("insert into t values (1)").execute(&mut session).await;
        assert_eq!(code(&refused.unwrap_err()), "25006");
        assert_eq!(session.condition(), Condition::Dirty);
        release(&mut session).await;
    }

    run(&mut session, "begin read only").await;
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    assert_eq!(session.condition(), Condition::Dirty);
    release(&mut session).await;
    insert(&mut session, 1).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_node_that_only_reads_is_no_primary_any_more() {
    let place = Place::new().await;
    let sql = format!("alter database {} set default_transaction_read_only = on", place.database);
    place.run(&sql).await;
    let mut session = place.session().await;
    let error = sqlx::query("insert into t values (1)").execute(&mut session).await.unwrap_err();
    assert_eq!(code(&error), "25006");
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));

    let mut session = place.postgres().replica().open().await.unwrap();
    assert!(sqlx::query("insert into t values (1)").execute(&mut session).await.is_err());
    assert_clean(&session);
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
