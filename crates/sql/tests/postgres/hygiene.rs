//! What a borrower leaves behind never reaches the next one.

use sessionpool_core::{Backend, Condition, Session};
use sessionpool_sql::{PgSession, Reset, SqlFailure};
use sqlx::{Connection, Executor};

use crate::place::{Place, assert_clean, failure, insert, one, release, run, text};

/// Each leaves something, and the look at it that a fresh session answers with `''`.
const TRACES: [(&str, &str); 11] = [
    (
        "set search_path = nowhere",
        "select replace(current_setting('search_path'), '\"$user\", public', '')",
    ),
    ("set role pg_monitor", "select replace(current_user, session_user, '')"),
    ("set session authorization pg_monitor", "select replace(session_user, 'postgres', '')"),
    ("set app.tenant = '7'", "select coalesce(current_setting('app.tenant', true), '')"),
    (
        "select set_config('app.tenant', '8', false)",
        "select coalesce(current_setting('app.tenant', true), '')",
    ),
    (
        "create temp table left_behind (x int)",
        "select coalesce(to_regclass('pg_temp.left_behind')::text, '')",
    ),
    (
        "select 1 as x into temp left_behind",
        "select coalesce(to_regclass('pg_temp.left_behind')::text, '')",
    ),
    (
        "select pg_advisory_lock(7)",
        "select repeat('x', count(*)::int) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
    ),
    ("listen somebody", "select repeat('x', count(*)::int) from pg_listening_channels()"),
    (
        "declare c cursor with hold for select 1",
        "select repeat('x', count(*)::int) from pg_cursors where is_holdable",
    ),
    (
        "prepare mine as select 1",
        "select repeat('x', count(*)::int) from pg_prepared_statements where from_sql",
    ),
];

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn each_trace_is_seen_and_taken_away() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for (sql, look) in TRACES {
        run(&mut session, sql).await;
        assert_eq!(session.condition(), Condition::Dirty, "{sql}");
        assert_ne!(text(&mut session, look).await, "", "{sql} leaves nothing");
        release(&mut session).await;
        assert_eq!(text(&mut session, look).await, "", "{sql} is met by the next borrower");
        assert_clean(&session);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_trace_left_in_an_aborted_transaction_is_taken_away() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "set search_path = nowhere").await;
    run(&mut session, "begin").await;
    run(&mut session, "set app.tenant = '7'").await;
    assert!(sqlx::query("select nonsense").execute(&mut session).await.is_err());
    release(&mut session).await;
    assert_eq!(
        text(&mut session, "select coalesce(current_setting('app.tenant', true), '')").await,
        ""
    );
    assert_eq!(text(&mut session, "show search_path").await, "\"$user\", public");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_trace_in_several_statements_or_on_the_raw_connection_is_taken_away() {
    let place = Place::new().await;
    let mut session = place.session().await;
    session.execute("select 1; set search_path = nowhere; begin").await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
    release(&mut session).await;
    assert_eq!(text(&mut session, "show search_path").await, "\"$user\", public");

    session.connection().unwrap().execute("set search_path = nowhere; begin").await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
    release(&mut session).await;
    assert_eq!(text(&mut session, "show search_path").await, "\"$user\", public");
    insert(&mut session, 1).await;
    assert_eq!(place.rows().await, [1]);
}

/// Each is two statements to the server, however much it looks like one.
const DISGUISED: [&str; 6] = [
    "select e'a'\n'\\'' ; set app.tenant = 7 -- '",
    "select E'a' -- b\r -- c\n '\\'' ; set app.tenant = 7 -- '",
    "select $–$ ' $–$; set app.tenant = 7; -- '",
    "select $a–1$ ' $a–1$; set app.tenant = 7; -- '",
    "select 1 as –$$; set app.tenant = 7; -- $$",
    "select 1 as a\u{a0}$$; set app.tenant = 7; -- $$",
];

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_second_statement_in_disguise_is_seen_and_its_trace_taken_away() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let look = "select coalesce(current_setting('app.tenant', true), '')";
    for sql in DISGUISED {
        session.execute(sql).await.unwrap();
        assert_eq!(session.condition(), Condition::Dirty, "{sql}");
        assert_eq!(text(&mut session, look).await, "7", "{sql}");
        release(&mut session).await;
        assert_eq!(text(&mut session, look).await, "", "{sql}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_says_what_a_backslash_is() {
    let place = Place::new().await;
    let set = "alter database {} set standard_conforming_strings = off";
    place.run(&set.replace("{}", &format!("\"{}\"", place.database))).await;
    let mut session = place.session().await;
    session.execute("select '\\''; set app.tenant = 7 -- '").await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty);
    assert_eq!(text(&mut session, "select current_setting('app.tenant')").await, "7");
    release(&mut session).await;
    assert_eq!(text(&mut session, "show standard_conforming_strings").await, "off");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_reset_keeps_prepared_statements_and_the_sessions_own_settings() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let own = "select concat_ws('|', current_setting('client_connection_check_interval'), \
         current_setting('idle_in_transaction_session_timeout'))";
    assert_eq!(text(&mut session, own).await, "1s|10min");
    let prepared = "select count(*) from pg_prepared_statements where not from_sql";
    let before = one(&mut session, prepared).await;
    run(&mut session, "set search_path = nowhere").await;
    run(&mut session, "set idle_in_transaction_session_timeout = 0").await;
    release(&mut session).await;
    assert_eq!(text(&mut session, own).await, "1s|10min");
    assert!(one(&mut session, prepared).await > before);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn ordinary_work_needs_no_cleaning() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in [
        "insert into t values (1)",
        "-- why\nupdate t set x = 2",
        "values (1)",
        "with n as (select 1) select * from n",
        "merge into t using (values (2)) as n (x) on t.x = n.x when matched then delete",
        "select pg_advisory_xact_lock(1)",
        "select set_config('app.tenant', '7', true)",
        "delete from t",
        "truncate t",
        "show search_path",
    ] {
        sqlx::query(sql).execute(&mut session).await.unwrap();
        assert_eq!(session.condition(), Condition::Clean, "{sql}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_statement_cache_survives_what_a_borrower_does_to_prepared_statements() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in ["discard all", "deallocate all"] {
        assert_eq!(text(&mut session, "select 'cached'").await, "cached");
        run(&mut session, sql).await;
        assert_eq!(text(&mut session, "select 'cached'").await, "cached", "the same borrower");
        session.connection().unwrap().execute(sql).await.unwrap();
        release(&mut session).await;
        assert_eq!(text(&mut session, "select 'cached'").await, "cached", "the next one");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_cached_plan_that_does_not_fit_any_more_fails_once() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let all = "select * from t";
    sqlx::query(all).fetch_all(&mut session).await.unwrap();
    place.run("alter table t add column y int").await;
    let error = sqlx::query(all).fetch_all(&mut session).await.unwrap_err();
    assert_eq!(crate::place::code(&error), "0A000");
    sqlx::query(all).fetch_all(&mut session).await.unwrap();
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_level_rollback_looks_at_transactions_alone() {
    let place = Place::new().await;
    let mut session = place.postgres().reset(Reset::Rollback).open().await.unwrap();
    run(&mut session, "set search_path = nowhere, public").await;
    assert_clean(&session);
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    release(&mut session).await;
    assert!(place.rows().await.is_empty());
    assert_eq!(text(&mut session, "show search_path").await, "nowhere, public");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_level_always_resets_after_any_use() {
    let place = Place::new().await;
    place
        .run(
            "create function sneak() returns text language sql as \
         $$ select set_config('app.tenant', '7', false) $$",
        )
        .await;
    let look = "select coalesce(current_setting('app.tenant', true), '')";
    let mut session = place.session().await;
    text(&mut session, "select sneak()").await;
    assert_clean(&session);
    assert_eq!(text(&mut session, look).await, "7", "what cannot be seen is in the docs");

    let postgres = place.postgres().reset(Reset::Always);
    let mut session = postgres.open().await.unwrap();
    assert_clean(&session);
    text(&mut session, "select sneak()").await;
    assert_eq!(session.condition(), Condition::Dirty);
    release(&mut session).await;
    assert_eq!(text(&mut session, look).await, "");
    release(&mut session).await;
    postgres.check(&mut session).await.unwrap();
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_level_discard_ends_what_would_be_reset() {
    let place = Place::new().await;
    let postgres = place.postgres().reset(Reset::Discard);
    let mut session = postgres.open().await.unwrap();
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    release(&mut session).await;
    run(&mut session, "set search_path = nowhere").await;
    let error = PgSession::release(&mut session).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::Touched { by: "SET", .. }), "{error}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_reset_that_fails_loses_the_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "set search_path = nowhere").await;
    place.kill(&session).await;
    assert!(PgSession::release(&mut session).await.is_err());
    assert!(matches!(session.condition(), Condition::Broken(_)));
    assert!(PgSession::release(&mut session).await.is_err());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn sqlxs_own_transaction_on_the_raw_connection_is_rolled_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let mut own = session.connection().unwrap().begin().await.unwrap();
    sqlx::query("insert into t values (1)").execute(&mut *own).await.unwrap();
    std::mem::forget(own);
    release(&mut session).await;
    assert!(place.rows().await.is_empty());
}
