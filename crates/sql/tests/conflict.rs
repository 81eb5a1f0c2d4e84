//! Units in each other's way.
#![cfg(feature = "sqlite")]

mod common;

use std::time::{Duration, Instant};

use common::{
    Place, SOON, assert_clean, begin, begin_read_only, code, commit, insert, rolled_back,
};
use sessionpool_core::{Backend, Fault, Session, Transactional, TxOptions};
use sessionpool_sql::{BeginMode, SqliteSession};
use sqlx::sqlite::SqliteJournalMode;

#[tokio::test]
async fn a_second_writer_waits_and_then_loses() {
    let place = Place::new().await;
    let mut first = place.session().await;
    begin(&mut first).await;
    let mut second = place.sqlite().busy_timeout(Duration::from_millis(50)).open().await.unwrap();
    let before = Instant::now();
    let error = SqliteSession::begin(&mut second, &TxOptions::new()).await.unwrap_err();
    assert!(before.elapsed() >= Duration::from_millis(50));
    assert_eq!(code(&error), "5");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    assert_clean(&second);

    commit(&mut first).await;
    begin(&mut second).await;
    commit(&mut second).await;
}

#[tokio::test]
async fn a_deferred_unit_may_find_its_snapshot_gone() {
    let place = Place::new().await;
    let mut late = place.sqlite().begin_mode(BeginMode::Deferred).open().await.unwrap();
    begin(&mut late).await;
    sqlx::query("select x from t").fetch_all(&mut late).await.unwrap();
    insert(&mut place.session().await, 1).await;
    let error = sqlx::query("insert into t values (2)").execute(&mut late).await.unwrap_err();
    assert_eq!(code(&error), "517");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    SqliteSession::release(&mut late).await.unwrap();
    assert_clean(&late);
}

#[tokio::test]
async fn immediate_units_never_lose_an_update() {
    let place = Place::new().await;
    insert(&mut place.session().await, 0).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut session = place.sqlite().busy_timeout(SOON).open().await.unwrap();
        tasks.spawn(async move {
            for _ in 0..25 {
                begin(&mut session).await;
                let x: i64 =
                    sqlx::query_scalar("select x from t").fetch_one(&mut session).await.unwrap();
                sqlx::query("update t set x = ?").bind(x + 1).execute(&mut session).await.unwrap();
                commit(&mut session).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(place.rows().await, [200]);
}

#[tokio::test]
async fn a_commit_against_a_reader_is_rolled_back() {
    let place = Place::new().await;
    let old =
        || place.sqlite().journal_mode(SqliteJournalMode::Delete).busy_timeout(Duration::ZERO);
    let mut reader = old().open().await.unwrap();
    begin_read_only(&mut reader).await;
    sqlx::query("select x from t").fetch_all(&mut reader).await.unwrap();

    let mut writer = old().open().await.unwrap();
    begin(&mut writer).await;
    insert(&mut writer, 1).await;
    let error = rolled_back(SqliteSession::commit(&mut writer).await);
    assert_eq!(code(&error), "5");
    assert_eq!(SqliteSession::classify(&error), Fault::Conflict);
    assert_clean(&writer);

    commit(&mut reader).await;
    let rows: i64 =
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut reader).await.unwrap();
    assert_eq!(rows, 0);
}
