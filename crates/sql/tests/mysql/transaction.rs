//! Units of work: what they are begun with, and what becomes of them.

use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Backend, Condition, Fault, Isolation, Session, Transactional, TxOptions};
use sessionpool_sql::{MySqlSession, Reset, SqlFailure};
use sessionpool_testkit::proxy::{Direction, Then};
use sqlx::Executor;

use crate::place::{
    Place, assert_clean, begin, code, commit, failure, insert, one, refused_commit, release,
    rolled_back, run, unknown,
};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_unit_of_one_statement_is_three_round_trips_and_a_statement_alone_is_one() {
    let place = Place::new().await;
    let mut session = place.session().await;
    insert(&mut session, 1).await; // prepared
    let before = place.proxy.round_trips();
    insert(&mut session, 2).await;
    assert_eq!(place.proxy.round_trips() - before, 1);
    begin(&mut session).await;
    insert(&mut session, 3).await;
    commit(&mut session).await;
    assert_eq!(place.proxy.round_trips() - before, 4);
    release(&mut session).await;
    assert_eq!(place.proxy.round_trips() - before, 4, "a clean session costs nothing");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn what_a_unit_asks_for_holds_inside_and_not_after() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new()
        .isolation(Isolation::ReadCommitted)
        .read_only()
        .statement_timeout(Duration::from_millis(1_500))
        .lock_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_secs(77))
        .setting("app.tenant", "o'hara \\ '")
        .setting("odd`name", "x");
    for by_commit in [true, false] {
        let before = place.proxy.round_trips();
        MySqlSession::begin(&mut session, &options).await.unwrap();
        assert_eq!(place.proxy.round_trips() - before, 1);
        let inside: (f64, u64, u64, String, String) = sqlx::query_as(
            "select @@max_statement_time, @@innodb_lock_wait_timeout, @@wait_timeout, \
             @`app.tenant`, @`odd``name`",
        )
        .fetch_one(&mut session)
        .await
        .unwrap();
        assert_eq!(inside, (1.5, 3, 77, "o'hara \\ '".to_owned(), "x".to_owned()));
        let refused = session.execute("insert into t values (1)").await.unwrap_err();
        assert_eq!(code(&refused), 1792);
        let before = place.proxy.round_trips();
        if by_commit {
            commit(&mut session).await;
        } else {
            MySqlSession::rollback(&mut session).await.unwrap();
        }
        assert_eq!(place.proxy.round_trips() - before, 1);
        assert_clean(&session);
        let after: (f64, u64, u64, Option<String>, Option<String>) = sqlx::query_as(
            "select @@max_statement_time, @@innodb_lock_wait_timeout, @@wait_timeout, \
             @`app.tenant`, @`odd``name`",
        )
        .fetch_one(&mut session)
        .await
        .unwrap();
        assert_eq!(after, (0.0, 50, 28_800, None, None));
    }
    insert(&mut session, 1).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_dropped_unit_leaves_none_of_its_settings() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().setting("app.tenant", "7");
    MySqlSession::begin(&mut session, &options).await.unwrap();
    insert(&mut session, 1).await;
    release(&mut session).await;
    assert_eq!(one(&mut session, "select @`app.tenant` is null").await, 1);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn every_isolation_is_set() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for (isolation, name) in [
        (Isolation::ReadUncommitted, "READ UNCOMMITTED"),
        (Isolation::ReadCommitted, "READ COMMITTED"),
        (Isolation::RepeatableRead, "REPEATABLE READ"),
        (Isolation::Serializable, "SERIALIZABLE"),
    ] {
        MySqlSession::begin(&mut session, &TxOptions::new().isolation(isolation)).await.unwrap();
        run(&mut session, "select * from t for update").await;
        let of_session = format!(
            "select trx_isolation_level from information_schema.innodb_trx \
             where trx_mysql_thread_id = {}",
            session.connection_id()
        );
        place.becomes(name, &of_session).await;
        commit(&mut session).await;
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn what_cannot_be_had_is_refused_before_anything_begins() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let options = TxOptions::new().deferrable();
    let error = MySqlSession::begin(&mut session, &options).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::Unsupported { .. }));
    assert_clean(&session);

    let mut session = place.mysql().require_setting("app.tenant").open().await.unwrap();
    let error = MySqlSession::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::MissingSetting { .. }));
    let error = session.execute("select 1").await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::OutsideUnit { .. }));
    place.mysql().check(&mut session).await.unwrap();
    let options = TxOptions::new().setting("app.tenant", "7");
    MySqlSession::begin(&mut session, &options).await.unwrap();
    insert(&mut session, 1).await;
    commit(&mut session).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn nothing_is_committed_alone_after_a_deadlock_undid_the_rest() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 5).await;
    let error = place.deadlock(&mut session).await;
    assert_eq!(code(&error), 1213);
    assert_eq!(MySqlSession::classify(&error), Fault::Conflict);
    assert!(session.has_conflict());

    let refused = session.execute("insert into t values (6)").await.unwrap_err();
    let SqlFailure::PendingRollback { source, .. } = failure(&refused) else {
        panic!("{refused:?}")
    };
    assert_eq!(source.code, "1213");
    let error = refused_commit(&place, &mut session).await;
    assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }));
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_deadlock_after_a_commit_that_nobody_saw_is_not_to_be_done_again() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "create procedure p() begin commit; start transaction; end").await;
    for (x, sql) in [(5, "begin"), (6, "call p()")] {
        let mut session = place.session().await;
        begin(&mut session).await;
        insert(&mut session, x).await;
        run(&mut session, sql).await;
        let error = place.deadlock(&mut session).await;
        assert_eq!(code(&error), 1213);
        assert!(!session.has_conflict(), "{sql}: again, and it is there twice");
        let error = unknown(MySqlSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::PendingRollback { .. }), "{sql}");
    }
    assert_eq!(place.rows().await, [5, 6]);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_lock_that_was_not_granted_undoes_its_statement_alone() {
    let place = Place::new().await;
    let mut holder = place.session().await;
    begin(&mut holder).await;
    insert(&mut holder, 1).await;

    for is_conflict in [false, true] {
        let mysql = place.mysql();
        let mysql = if is_conflict { mysql.lock_timeout_is_conflict() } else { mysql };
        let mut session = mysql.open().await.unwrap();
        let options = TxOptions::new().lock_timeout(Duration::from_millis(1));
        MySqlSession::begin(&mut session, &options).await.unwrap();
        insert(&mut session, 10 + i64::from(is_conflict)).await;
        let error = session.execute("insert into t values (1)").await.unwrap_err();
        assert_eq!(code(&error), 1205);
        assert_eq!(session.has_conflict(), is_conflict);
        commit(&mut session).await;
    }
    MySqlSession::rollback(&mut holder).await.unwrap();
    assert_eq!(place.rows().await, [10, 11]);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn after_a_statement_that_commits_by_itself_nothing_more_is_taken() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for (x, ddl, fails) in
        [(1, "create table u (x int)", false), (2, "create table u (x int)", true)]
    {
        begin(&mut session).await;
        insert(&mut session, x).await;
        assert_eq!(session.execute(ddl).await.is_err(), fails);
        let refused = session.execute("insert into t values (9)").await.unwrap_err();
        assert!(matches!(failure(&refused), SqlFailure::NoTransaction));
        let error = unknown(MySqlSession::commit(&mut session).await);
        assert!(matches!(failure(&error), SqlFailure::NoTransaction));
        release(&mut session).await;
    }
    assert_eq!(place.rows().await, [1, 2], "the statements before it are committed");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_transaction_ended_where_nobody_sees_it_is_told_at_the_commit() {
    let place = Place::new().await;
    place.run("create procedure p() commit").await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "call p()").await;
    insert(&mut session, 2).await;
    let error = unknown(MySqlSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_eq!(place.rows().await, [1, 2]);

    // Not even another transaction in its place is taken for it.
    let mut session = place.session().await;
    begin(&mut session).await;
    run(&mut session, "commit; begin; savepoint a").await;
    insert(&mut session, 3).await;
    let error = unknown(MySqlSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_eq!(place.rows().await, [1, 2], "what was open is rolled back");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_borrowers_own_end_is_told() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    run(&mut session, "rollback").await;
    let error = rolled_back(MySqlSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::RolledBack));

    begin(&mut session).await;
    insert(&mut session, 2).await;
    run(&mut session, "commit").await;
    let error = unknown(MySqlSession::commit(&mut session).await);
    assert!(matches!(failure(&error), SqlFailure::NoTransaction));
    assert_eq!(place.rows().await, [2]);
    assert_clean(&session);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_begin_in_the_way_is_rolled_back() {
    let place = Place::new().await;
    let mut session = place.session().await;
    run(&mut session, "begin").await;
    insert(&mut session, 1).await;
    let error = MySqlSession::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::TransactionOpen));
    begin(&mut session).await;
    commit(&mut session).await;
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_commit_whose_reply_is_lost_is_unknown_wherever_it_is_cut() {
    for (cut, is_there) in [
        // The answer to the commit itself.
        ((Direction::ToClient, &b"\x07\0\0\x02\0\0\0"[..], Then::LoseReply), true),
        // Not all of the text has arrived.
        ((Direction::ToServer, b"COMMI", Then::Reset), false),
    ] {
        let place = Place::new().await;
        let mut session = place.session().await;
        begin(&mut session).await;
        insert(&mut session, 1).await;
        place.proxy.when(cut.0, cut.1, cut.2);
        let error = unknown(MySqlSession::commit(&mut session).await);
        assert_eq!(MySqlSession::classify(&error), Fault::BackendLost);
        assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
        place.becomes(if is_there { "1" } else { "0" }, "select count(*) from t").await;
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_commit_dropped_half_way_is_unknown_and_comes_to_its_end() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    assert!(MySqlSession::commit(&mut session).now_or_never().is_none());
    assert_eq!(session.condition(), Condition::Busy);
    unknown(MySqlSession::commit(&mut session).await);
    assert_eq!(place.rows().await, [1]);
    release(&mut session).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_transaction_that_was_idle_too_long_is_over() {
    let place = Place::new().await;
    let mut session = place.mysql().reset(Reset::Clean).open().await.unwrap();
    // Long enough for a loaded machine to come to the insert.
    let options = TxOptions::new().idle_timeout(Duration::from_secs(3));
    MySqlSession::begin(&mut session, &options).await.unwrap();
    insert(&mut session, 1).await;
    place.gone(session.connection_id()).await;
    let error = session.execute("select 1").await.unwrap_err();
    assert_eq!(MySqlSession::classify(&error), Fault::BackendLost);
    assert!(place.rows().await.is_empty());
}
