//! What the next borrower meets, and who counts the sessions.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, RecyclingMethod};
use sessionpool_core::{Lease, Pool, ReleaseError};
use sessionpool_deadpool::{DeadpoolSession, FromDeadpool};

use crate::place::{PgSession, Place, ROLL_BACK_AND_CLEAN, SOON, pool};

async fn text(client: &ClientWrapper, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn pid(client: &ClientWrapper) -> i32 {
    client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// In a transaction of its own, the second of two looks at the clock is later.
async fn is_in_a_transaction(client: &ClientWrapper) -> bool {
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(text(client, "select now()::text").await);
    }
    seen[0] == seen[1]
}

async fn leaves_a_transaction_open(client: &ClientWrapper) {
    client.batch_execute("begin; insert into t values (1)").await.unwrap();
}

/// Nothing of a transaction that was left open.
async fn nothing_is_left(pool: &Pool<PgSession>, place: &Place) {
    let next = pool.acquire().await.unwrap();
    assert!(!is_in_a_transaction(&next).await);
    assert_eq!(place.rows().await, "0");
}

/// How many statement caches the manager knows of.
fn caches(backend: &FromDeadpool<Manager>) -> usize {
    format!("{:?}", backend.manager().statement_caches).matches("(Weak)").count()
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn it_plugs_in() {
    let place = Place::new().await;
    let backend = place.backend(RecyclingMethod::Fast);
    let pool = pool(backend.clone(), 1);
    let mut first = None;
    for row in 0..3_i64 {
        let mut session = pool.acquire().await.unwrap();
        let own = pid(&session).await;
        assert_eq!(*first.get_or_insert(own), own, "it is one session");
        // `transaction` takes it by `&mut`.
        let unit = session.transaction().await.unwrap();
        let insert = unit.prepare_cached("insert into t values ($1)").await.unwrap();
        unit.execute(&insert, &[&row]).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(
            session.statement_cache.size(),
            1,
            "what was prepared is kept from lease to lease"
        );
        session.release().await.unwrap();
    }
    assert_eq!(place.rows().await, "3");
    assert_eq!(DeadpoolSession::metrics(&pool.acquire().await.unwrap()).recycle_count, 3);
    backend.manager().statement_caches.clear();
    assert_eq!(pool.acquire().await.unwrap().statement_cache.size(), 0, "the manager reaches it");
    assert!(pool.close(SOON).await.is_complete());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn the_pools_bounds_hold() {
    let place = Place::new().await;
    let pool = pool(place.backend(RecyclingMethod::Fast), 3);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let session = pool.acquire().await.unwrap();
            let sql = "select count(*) from pg_stat_activity \
                 where datname = current_database() and backend_type = 'client backend'";
            session.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)
        });
    }
    let seen = tasks.join_all().await;
    assert!(seen.iter().all(|sessions| (1..=3).contains(sessions)), "{seen:?}");
    let status = pool.status();
    assert!(status.counters.opened <= 3, "{status}");
    assert_eq!(status.counters.acquired, 40, "{status}");
    assert!(pool.close(SOON).await.is_complete());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_killed_while_lent_is_replaced() {
    let place = Place::new().await;
    for method in [RecyclingMethod::Fast, RecyclingMethod::Verified, RecyclingMethod::Clean] {
        let pool = place.pool(method);
        let session = pool.acquire().await.unwrap();
        let first = pid(&session).await;
        place.kill(first).await;
        assert!(session.simple_query("select 1").await.is_err(), "its borrower is told");
        let error = session.release().await.unwrap_err();
        let ReleaseError::Failed { cause, .. } = error else { panic!("{error:?}") };
        assert_eq!(
            cause.to_string(),
            "the object was refused when it came back: Connection closed"
        );
        let next = pool.acquire().await.unwrap();
        assert_ne!(pid(&next).await, first);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_killed_while_idle_is_found_out_before_it_is_lent() {
    let place = Place::new().await;
    let backend = place.backend(RecyclingMethod::Verified);
    let pool = Pool::builder(backend).max_size(1).check_after_idle(Duration::ZERO).build().unwrap();
    let session = pool.acquire().await.unwrap();
    let first = pid(&session).await;
    session.release().await.unwrap();
    place.kill(first).await;
    let next = pool.acquire().await.unwrap();
    assert_ne!(pid(&next).await, first);
}

/// What [`FromDeadpool`] says it cannot promise: `Fast` asks nothing, and `Clean` cleans
/// within the transaction.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_open_transaction_gets_through() {
    let place = Place::new().await;
    for method in [RecyclingMethod::Fast, RecyclingMethod::Verified, RecyclingMethod::Clean] {
        let pool = place.pool(method.clone());
        let session = pool.acquire().await.unwrap();
        leaves_a_transaction_open(&session).await;
        session.release().await.unwrap();

        let next = pool.acquire().await.unwrap();
        assert!(is_in_a_transaction(&next).await, "{method:?}");
        next.batch_execute("insert into t values (2)").await.unwrap();
        drop(next);
        pool.close(SOON).await;
        assert_eq!(place.rows().await, "0", "{method:?}: nor is what the next one wrote committed");
    }
}

/// And a rollback, by the next borrower, brings back what `Clean` had put right.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn clean_puts_settings_right_unless_a_transaction_is_open() {
    let place = Place::new().await;
    let pool = place.pool(RecyclingMethod::Clean);
    let session = pool.acquire().await.unwrap();
    session.batch_execute("set app.tenant = '7'; create temp table mine (x int)").await.unwrap();
    session.release().await.unwrap();
    let tenant = "select coalesce(current_setting('app.tenant', true), '')";
    let session = pool.acquire().await.unwrap();
    assert_eq!(text(&session, tenant).await, "");
    assert_eq!(text(&session, "select coalesce(to_regclass('mine')::text, '')").await, "");

    session.batch_execute("set app.tenant = '7'").await.unwrap();
    session.batch_execute("begin").await.unwrap();
    session.release().await.unwrap();
    let next = pool.acquire().await.unwrap();
    assert_eq!(text(&next, tenant).await, "");
    next.batch_execute("rollback").await.unwrap();
    assert_eq!(text(&next, tenant).await, "7", "another tenant's");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_aborted_transaction_costs_the_session_where_the_manager_asks() {
    let place = Place::new().await;
    for (method, is_kept) in [(RecyclingMethod::Fast, true), (RecyclingMethod::Clean, false)] {
        let pool = place.pool(method.clone());
        let session = pool.acquire().await.unwrap();
        let first = pid(&session).await;
        assert!(session.batch_execute("begin; select nonsense").await.is_err());
        assert_eq!(session.release().await.is_ok(), is_kept, "{method:?}");
        let next = pool.acquire().await.unwrap();
        match is_kept {
            true => assert!(next.simple_query("select 1").await.is_err(), "{method:?}"),
            false => assert_ne!(pid(&next).await, first, "{method:?}"),
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_rollback_of_ones_own_cures_settings_and_transactions() {
    let place = Place::new().await;
    let pool = place.pool(RecyclingMethod::Custom(ROLL_BACK_AND_CLEAN.to_owned()));
    let mut first = None;
    for trouble in ["begin; insert into t values (1)", "begin; select nonsense", "begin"] {
        let session = pool.acquire().await.unwrap();
        let own = pid(&session).await;
        assert_eq!(*first.get_or_insert(own), own, "it is one session");
        let prepared = session.prepare_cached("select 'prepared'").await.unwrap();
        session.batch_execute("set app.tenant = '7'").await.unwrap();
        let _ = session.batch_execute(trouble).await;
        session.release().await.unwrap();

        let next = pool.acquire().await.unwrap();
        assert!(!is_in_a_transaction(&next).await, "{trouble}");
        assert_eq!(next.statement_cache.size(), 1);
        let row = next.query_one(&prepared, &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "prepared", "what is cached still works");
        next.batch_execute("rollback").await.unwrap();
        let tenant = text(&next, "select coalesce(current_setting('app.tenant', true), '')").await;
        assert_eq!(tenant, "", "{trouble}");
    }
    assert_eq!(place.rows().await, "0");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_hook_rolls_back_what_is_open() {
    let place = Place::new().await;
    let hook = Hook::async_fn(|session: &mut ClientWrapper, _| {
        Box::pin(async { session.batch_execute("rollback").await.map_err(HookError::Backend) })
    });
    let pool = pool(place.backend(RecyclingMethod::Fast).pre_recycle(hook), 1);
    let session = pool.acquire().await.unwrap();
    leaves_a_transaction_open(&session).await;
    drop(session);
    nothing_is_left(&pool, &place).await;
}

/// tokio-postgres' own transaction sends a rollback when it is dropped.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_dropped_transaction_of_the_drivers_is_rolled_back() {
    let place = Place::new().await;
    let pool = place.pool(RecyclingMethod::Fast);
    let mut session: Lease<PgSession> = pool.acquire().await.unwrap();
    let unit = session.transaction().await.unwrap();
    unit.batch_execute("insert into t values (1)").await.unwrap();
    drop(unit);
    drop(session);
    nothing_is_left(&pool, &place).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_leaves_the_pool_leaves_the_manager_when_it_is_dropped() {
    let place = Place::new().await;
    let backend = place.backend(RecyclingMethod::Fast);
    let pool = pool(backend.clone(), 1);
    let own = pool.acquire().await.unwrap().detach();
    let next = pool.acquire().await.unwrap();
    assert_ne!(pid(&own).await, pid(&next).await, "its place is free");
    assert_eq!(caches(&backend), 2);
    drop(own);
    assert_eq!(caches(&backend), 1);

    next.discard();
    let third = pool.acquire().await.unwrap();
    assert_eq!(caches(&backend), 1, "one gone, one new");
    drop(third);
    assert!(pool.close(SOON).await.is_complete());
    assert_eq!(caches(&backend), 0);
    let left = "select count(*) from pg_stat_activity where datname = '{}'";
    let left = left.replace("{}", &place.database);
    let gone = async {
        while place.server.psql(&left).await != "0" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.expect("the server has no session of it");
}
