//! What a borrower leaves behind.

use sessionpool_core::{Backend, Condition, Session};
use sessionpool_sql::{MySql, MySqlSession, Reset, SqlFailure};
use sessionpool_testkit::server::MariaDb;
use sqlx::Executor;

use crate::place::{Place, assert_clean, failure, insert, one, release, run};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn harmless_statements_leave_a_session_clean() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for sql in [
        "insert into t values (1)",
        "update t set x = 2",
        "replace into t values (3)",
        "delete from t",
        "with a as (select 1) select * from a",
        "show tables",
        "create table u (x int)",
        "drop table u",
    ] {
        run(&mut session, sql).await;
        assert_clean(&session);
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_transaction_of_the_borrowers_own_is_rolled_back_in_one_round_trip() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for begin in ["begin", "start transaction"] {
        run(&mut session, begin).await;
        insert(&mut session, 1).await;
        assert_eq!(session.condition(), Condition::Dirty);
        let before = place.proxy.round_trips();
        release(&mut session).await;
        assert_eq!(place.proxy.round_trips() - before, 1);
        assert_eq!(one(&mut session, "select @@in_transaction").await, 0);
    }
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_that_was_touched_is_not_lent_again() {
    let place = Place::new().await;
    for (sql, by) in [
        ("set @tenant = 7", "SET"),
        ("set session lock_wait_timeout = 1", "SET"),
        ("set autocommit = 0", "SET"),
        ("create temporary table u (x int)", "a temporary table"),
        ("select get_lock('a', 1)", "GET_LOCK"),
        ("select @a := 1", "a user variable"),
        ("use test", "USE"),
        ("select 1; select 2", "several statements in one text"),
    ] {
        let mut session = place.session().await;
        run(&mut session, sql).await;
        assert_eq!(session.condition(), Condition::Dirty);
        let error = MySqlSession::release(&mut session).await.unwrap_err();
        assert!(
            matches!(failure(&error), SqlFailure::Touched { by: it, .. } if *it == by),
            "{sql}"
        );
    }
}

/// Each sets the variable, however little it looks like that.
const DISGUISED: [&str; 6] = [
    "select 1 --\u{1} '\n; set @tenant = 7 -- '",
    "select 1 --\u{7f} '\n; set @tenant = 7 -- '",
    "select 5 --\u{a0} from (select 1 as \u{a0}) t; set @tenant = 7",
    "select 1 /*!50799 ' */; set @tenant = 7; -- '",
    "select /*! 1 */* 2 ; set @tenant = 7 -- */",
    "/*!50799 select */ set @tenant = 7",
];

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_second_statement_in_disguise_is_seen_and_its_session_not_lent_again() {
    let place = Place::new().await;
    for sql in DISGUISED {
        let mut session = place.session().await;
        is_seen(&mut session, sql).await;
    }
}

/// Runs what sets `@tenant` in disguise.
async fn is_seen(session: &mut MySqlSession, sql: &'static str) {
    session.execute(sql).await.unwrap();
    assert_eq!(session.condition(), Condition::Dirty, "{sql}");
    assert_eq!(one(session, "select @tenant").await, 7, "{sql}");
    MySqlSession::release(session).await.unwrap_err();
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_server_says_what_a_backslash_and_a_double_quote_are() {
    for (mode, sql) in [
        ("ANSI_QUOTES", "select 1 as \"\\\"; set @tenant = 7 -- \""),
        ("NO_BACKSLASH_ESCAPES", "select '\\'; set @tenant = 7 -- '"),
    ] {
        let server = MariaDb::start_with(&[("sql-mode", mode)]).await;
        let mysql = MySql::connect(&server.url()).unwrap();
        let mut session = mysql.open().await.unwrap();
        is_seen(&mut session, sql).await;
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_raw_connection_is_to_be_had_and_touches_its_session() {
    let place = Place::new().await;
    let mut session = place.session().await;
    crate::place::drop_half_way(&mut session, "select sleep(600)");
    let raw = session.connection().await.unwrap();
    let seven: i64 = sqlx::query_scalar("select 7").fetch_one(raw).await.unwrap();
    assert_eq!(seven, 7);
    MySqlSession::release(&mut session).await.unwrap_err();
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_backend_says_how_clean_is_clean() {
    let place = Place::new().await;
    let mut careless = place.mysql().reset(Reset::Rollback).open().await.unwrap();
    run(&mut careless, "set @tenant = 7").await;
    release(&mut careless).await;
    assert_eq!(one(&mut careless, "select @tenant").await, 7);

    let mut careful = place.mysql().reset(Reset::Always).open().await.unwrap();
    run(&mut careful, "select 1").await;
    MySqlSession::release(&mut careful).await.unwrap_err();
}
