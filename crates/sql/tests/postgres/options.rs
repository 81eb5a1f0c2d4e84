//! What a unit may be begun with.

use std::time::Duration;

use sessionpool_core::{Backend, Condition, Fault, Isolation, Session, Transactional, TxOptions};
use sessionpool_sql::{PgSession, SqlFailure};

use crate::place::{
    Place, assert_clean, begin_in, code, commit, failure, insert, release, run, text,
};

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
