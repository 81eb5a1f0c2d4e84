//! Named databases in memory.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::time::{Duration, Instant};

use common::{SOON, assert_clean, begin, begin_read_only, code, commit, insert, run};
use sessionpool_core::{Backend, Fault, Session, Transactional, TxOptions};
use sessionpool_sql::{Sqlite, SqliteSession};

async fn count(session: &mut SqliteSession) -> i64 {
    sqlx::query_scalar("select count(*) from t").fetch_one(session).await.unwrap()
}

#[tokio::test]
async fn sessions_share_one_database() {
    let backend = Sqlite::memory("shared");
    let mut first = backend.open().await.unwrap();
    run(&mut first, "create table t (x)").await;
    insert(&mut first, 1).await;
    let mut second = backend.open().await.unwrap();
    assert_eq!(count(&mut second).await, 1);
    insert(&mut second, 2).await;
    assert_eq!(count(&mut first).await, 2);
    let mut elsewhere = Sqlite::memory("shared").open().await.unwrap();
    assert_eq!(count(&mut elsewhere).await, 2);
}

#[tokio::test]
async fn it_outlives_its_sessions_but_not_its_backend() {
    let backend = Sqlite::memory("anchored");
    let mut session = backend.open().await.unwrap();
    run(&mut session, "create table t (x)").await;
    insert(&mut session, 1).await;
    SqliteSession::close(session).await.unwrap();
    let mut session = backend.open().await.unwrap();
    assert_eq!(count(&mut session).await, 1);
    SqliteSession::close(session).await.unwrap();
    drop(backend);

    // The anchor's thread is told to end, not waited for.
    let deadline = Instant::now() + SOON;
    loop {
        let mut session = Sqlite::memory("anchored").open().await.unwrap();
        let gone = sqlx::query("select * from t").fetch_all(&mut session).await.is_err();
        if gone {
            break;
        }
        assert!(Instant::now() < deadline, "the database outlived its backend");
        SqliteSession::close(session).await.unwrap();
    }
}

#[tokio::test]
async fn names_keep_databases_apart() {
    for (one, other) in [("a", "b"), ("x y", "x%20y"), ("ä?vfs=unix", "ä"), ("", "/")] {
        let (one, other) = (Sqlite::memory(one), Sqlite::memory(other));
        run(&mut one.open().await.unwrap(), "create table t (x)").await;
        run(&mut other.open().await.unwrap(), "create table t (y, z)").await;
        insert(&mut one.open().await.unwrap(), 1).await;
        assert_eq!(count(&mut other.open().await.unwrap()).await, 0);
    }
}

#[tokio::test]
async fn units_work_and_foreign_keys_hold() {
    let backend = Sqlite::memory("units");
    let mut session = backend.open().await.unwrap();
    run(&mut session, "create table t (x primary key)").await;
    run(&mut session, "create table child (x references t (x))").await;
    assert!(sqlx::query("insert into child values (1)").execute(&mut session).await.is_err());
    begin(&mut session).await;
    insert(&mut session, 1).await;
    SqliteSession::release(&mut session).await.unwrap();
    assert_eq!(count(&mut session).await, 0);
    begin(&mut session).await;
    insert(&mut session, 1).await;
    commit(&mut session).await;
    assert_clean(&session);
    assert_eq!(count(&mut backend.open().await.unwrap()).await, 1);
}

#[tokio::test]
async fn the_busy_timeout_is_honoured() {
    let backend = Sqlite::memory("busy").busy_timeout(Duration::from_millis(80));
    let mut first = backend.open().await.unwrap();
    run(&mut first, "create table t (x)").await;
    let mut second = backend.open().await.unwrap();
    begin(&mut first).await;
    insert(&mut first, 1).await;

    for write in [true, false] {
        let before = Instant::now();
        let error = if write {
            SqliteSession::begin(&mut second, &TxOptions::new()).await.unwrap_err()
        } else {
            sqlx::query("select * from t").fetch_all(&mut second).await.unwrap_err()
        };
        assert!(before.elapsed() >= Duration::from_millis(80));
        assert_eq!(code(&error), "5");
        assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
        assert_clean(&second);
    }
    commit(&mut first).await;
    assert_eq!(count(&mut second).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_and_readers_take_turns() {
    let backend = Sqlite::memory("turns").busy_timeout(SOON);
    run(&mut backend.open().await.unwrap(), "create table t (x)").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut session = backend.open().await.unwrap();
        tasks.spawn(async move {
            for x in 0..50 {
                begin(&mut session).await;
                insert(&mut session, x).await;
                commit(&mut session).await;
            }
        });
        let mut session = backend.open().await.unwrap();
        tasks.spawn(async move {
            for _ in 0..50 {
                begin_read_only(&mut session).await;
                let before = count(&mut session).await;
                assert_eq!(count(&mut session).await, before);
                commit(&mut session).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(count(&mut backend.open().await.unwrap()).await, 200);
}
