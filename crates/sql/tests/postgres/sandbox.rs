//! A pool within a transaction that is never committed.

use std::time::Duration;

use futures_util::FutureExt;
use sessionpool_core::{Pool, Rollback, Session, Transactional, TxError, TxOptions};
use sessionpool_sql::{PgSession, Sandbox, SandboxError, Script, SqlFailure};
use sqlx::Executor;

use crate::place::{Distant, Failed, Place, SOON, code, committed, failure, insert, one, text};

#[path = "../common/sandbox.rs"]
mod shared;

use shared::{count, sandbox};

rules! {
    #[ignore = "needs PostgreSQL"]
    shared:
    nobody_ends_the_sandbox_by_hand,
    statements_outside_of_units_stand_and_fall_alone,
    the_application_works_as_ever_and_leaves_no_trace,
}

/// The server's limit to idle sessions says nothing of one in a transaction.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_sandbox_may_lie_idle() {
    let place = Place::new().await;
    let database = &place.database;
    place.run(&format!("alter database {database} set idle_session_timeout = '3s'")).await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    assert_eq!(lease.server_idle_limit(), Some(Duration::from_secs(3)));
    assert_eq!(lease.idle_limit(), None);
    insert(&mut lease, 7).await;
    drop(lease);
    // Of two that lie idle from now on, one is ended.
    let mut plain = place.plain().await;
    let pid: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut plain).await.unwrap();
    place.gone(pid).await;
    assert_eq!(one(&mut sandbox.acquire().await.unwrap(), "select x from t").await, 7);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn dropping_it_ends_its_session() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    insert(&mut sandbox.acquire().await.unwrap(), 1).await;
    place.in_transaction(1).await;
    drop(sandbox);
    place.in_transaction(0).await;
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_is_refused_for_the_reasons_of_a_real_one() {
    let place = Place::new().await;
    place.run("create table child (x bigint references t deferrable initially deferred)").await;
    let sandbox = sandbox(&place).await;
    let aborted = sandbox.transaction(async |tx| {
        insert(tx, 1).await;
        assert!(sqlx::query("select nonsense").execute(&mut **tx).await.is_err());
        Ok::<_, Failed>(())
    });
    assert!(matches!(aborted.await, Err(Failed::Tx(TxError::RolledBack { .. }))));
    let deferred = sandbox.transaction(async |tx| {
        insert(tx, 1).await;
        sqlx::query("insert into child values (2)").execute(&mut **tx).await?;
        Ok::<_, Failed>(())
    });
    let Err(Failed::Tx(TxError::RolledBack { why, cause, .. })) = deferred.await else { panic!() };
    assert_eq!(why, Rollback::Refused);
    assert_eq!(code(cause.unwrap().downcast_ref().unwrap()), "23503");
    let settled = sandbox.transaction(async |tx| {
        sqlx::query("insert into child values (3)").execute(&mut **tx).await?;
        insert(tx, 3).await;
        Ok::<_, Failed>(())
    });
    settled.await.unwrap();
    assert_eq!(count(&sandbox).await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_settings_of_a_unit_end_with_it() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let look = "select concat_ws('|', coalesce(current_setting('app.tenant', true), ''), \
         current_user, current_setting('statement_timeout'), current_setting('transaction_read_only'))";
    for fails in [false, true] {
        let options = TxOptions::new()
            .read_only()
            .statement_timeout(Duration::from_secs(5))
            .setting("app.tenant", "7")
            .setting("role", "pg_monitor");
        let done = sandbox.transaction_in(options, async |tx| {
            assert_eq!(text(tx, look).await, "7|pg_monitor|5s|on");
            if fails { Err(Failed::OnPurpose) } else { Ok(()) }
        });
        assert_eq!(done.await.is_err(), fails);
        let mut lease = sandbox.acquire().await.unwrap();
        assert_eq!(text(&mut lease, look).await, "|postgres|0|off");
        insert(&mut lease, i64::from(fails)).await;
    }
    let required = Pool::builder(place.postgres().require_setting("app.tenant")).build().unwrap();
    let required = required.sandbox().await.unwrap();
    let without = required.transaction(async |_| Ok::<_, Failed>(()));
    assert!(matches!(without.await, Err(Failed::Tx(TxError::Begin { .. }))));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_a_borrower_touched_is_put_back_and_the_rows_stay() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    sqlx::query("set search_path = nowhere").execute(&mut *lease).await.unwrap();
    sqlx::query("create temp table mine (x int)").execute(&mut *lease).await.unwrap();
    drop(lease);
    let script = Script::new("set search_path = elsewhere");
    committed(sandbox.acquire().await.unwrap().run(&script).await);
    let mut lease = sandbox.acquire().await.unwrap();
    assert_eq!(text(&mut lease, "show search_path").await, "\"$user\", public");
    assert_eq!(text(&mut lease, "select coalesce(to_regclass('mine')::text, '')").await, "");
    drop(lease);
    let unit = sandbox.transaction(async |tx| {
        insert(tx, 2).await;
        Ok::<_, Failed>(())
    });
    unit.await.unwrap();
    assert_eq!(count(&sandbox).await, 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unit_dropped_half_way_is_undone_and_the_sandbox_goes_on() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    insert(&mut sandbox.acquire().await.unwrap(), 1).await;
    let unit = sandbox.transaction(async |tx| {
        insert(tx, 2).await;
        sqlx::query("select pg_sleep(3600)").execute(&mut **tx).await?;
        Ok::<_, Failed>(())
    });
    let sleeps = "select count(*) from pg_stat_activity where datname = current_database() \
         and state = 'active' and query like 'select pg_sleep%'";
    tokio::select! {
        answer = Box::pin(unit) => panic!("{answer:?}"),
        () = place.becomes(1, sleeps) => {}
    }
    assert_eq!(count(&sandbox).await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_is_dropped_while_an_earlier_statement_is_kept_costs_nothing() {
    let distant = Distant::new().await;
    let pool = Pool::builder(distant.postgres()).acquire_timeout(SOON).build().unwrap();
    let sandbox = pool.sandbox().await.unwrap();
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    // The first thing it does is to keep the row.
    assert!(lease.execute("insert into t values (2)").now_or_never().is_none());
    insert(&mut lease, 3).await;
    assert!(lease.execute("insert into t values (3)").await.is_err());
    drop(lease);
    assert_eq!(count(&sandbox).await, 2);
    let unit = sandbox.transaction(async |tx| {
        insert(tx, 4).await;
        assert!(PgSession::commit(tx).now_or_never().is_none());
        Ok::<_, Failed>(())
    });
    assert!(unit.await.is_err(), "what became of it is not known");
    assert_eq!(count(&sandbox).await, 3);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_sandbox_whose_session_is_lost_says_so() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    place.kill(&lease).await;
    assert!(sqlx::query("select 1").execute(&mut *lease).await.is_err());
    drop(lease);
    let error = sandbox.acquire().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().contains("the sandbox's session is gone"), "{cause}");
    let fault = cause.downcast_ref::<sqlx::Error>().map(PgSession::classify);
    assert_eq!(fault, Some(sessionpool_core::Fault::Rejected));
}

/// What sqlx offers on nothing else begins and commits transactions: migrations do.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn nobody_has_the_raw_connection() {
    let place = Place::new().await;
    let sandbox = sandbox(&place).await;
    let mut lease = sandbox.acquire().await.unwrap();
    insert(&mut lease, 1).await;
    let error = lease.connection().unwrap_err();
    assert!(matches!(failure(&error), SqlFailure::InsideSandbox), "{error}");
    drop(lease);
    assert_eq!(count(&sandbox).await, 1, "and nothing was lost by asking");
    drop(sandbox);
    assert!(place.rows().await.is_empty());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn beginning_takes_no_longer_than_it_may() {
    let distant = Distant::new().await;
    let pool = Pool::builder(distant.postgres()).max_size(1).build().unwrap();
    // No answer is here that soon.
    let error = pool.sandbox_within(Duration::from_millis(1)).await.unwrap_err();
    let SandboxError::Begin(source) = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("1ms"), "{source}");
    let sandbox = pool.sandbox_within(SOON).await.unwrap();
    insert(&mut sandbox.acquire().await.unwrap(), 1).await;
    assert_eq!(count(&sandbox).await, 1);
    assert_eq!(pool.status().counters.opened, 1, "its session was cleaned and used again");
}
