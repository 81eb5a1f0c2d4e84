//! The driver's own faults, shown on the driver, and ours without them.
//!
//! Each test has a half that holds the driver to its fault: where that half fails, the
//! driver has been mended, and what we do about it may go.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{Session, Transactional, TxOptions};
use sessionpool_sql::MySqlSession;
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::proxy::{Direction, Then};
use sqlx::mysql::{MySqlConnection, MySqlPoolOptions};
use sqlx::{Connection, Executor};
use tokio::time::timeout;

use crate::place::{
    Place, assert_clean, begin, commit, drop_half_way, insert, number_in, one, release, run,
};

/// How long to wait for what never comes.
const A_WHILE: Duration = Duration::from_millis(500);

/// False if the connection answers with an error, with a panic, or not at all.
async fn is_usable(plain: &mut MySqlConnection) -> bool {
    let next = AssertUnwindSafe(plain.fetch_one("select 7")).catch_unwind();
    matches!(timeout(A_WHILE, next).await, Ok(Ok(Ok(_))))
}

/// F1: a `BEGIN` dropped half way leaves a transaction open for the next borrower.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_begin_dropped_half_way() {
    let place = Place::new().await;
    let pool =
        MySqlPoolOptions::new().max_connections(1).connect_with(place.options()).await.unwrap();
    let mut left_open = false;
    for polls in 1..20 {
        drop(cut(pool.begin(), polls).await);
        let state = number_in(&pool.fetch_one("select @@in_transaction").await.unwrap());
        left_open |= state != 0;
    }
    assert!(left_open, "sqlx");

    let mut session = place.session().await;
    for polls in 1.. {
        let done = cut(MySqlSession::begin(&mut session, &TxOptions::new()), polls).await;
        release(&mut session).await;
        assert_eq!(one(&mut session, "select @@in_transaction").await, 0);
        if done.is_some() {
            break;
        }
    }
}

/// F2: a nested `begin` dropped half way rolls the outer one back, whose `commit` is Ok.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_savepoint_dropped_half_way() {
    let place = Place::new().await;
    let mut plain = place.plain().await;
    let mut outer = plain.begin().await.unwrap();
    outer.execute("insert into t values (1)").await.unwrap();
    assert!(outer.begin().now_or_never().is_none());
    outer.execute("insert into t values (2)").await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(place.rows().await, [2], "sqlx");

    place.run("delete from t").await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    assert!(MySqlSession::savepoint(&mut session).now_or_never().is_none());
    insert(&mut session, 2).await;
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1, 2]);
}

/// F4: a statement dropped while it is prepared makes the connection useless, and its
/// ping never ends.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_prepare_dropped_half_way() {
    let place = Place::new().await;
    let sql = "select ?, 'a literal'";
    let mut plain = place.plain().await;
    assert!(sqlx::query(sql).bind(1).fetch_all(&mut plain).now_or_never().is_none());
    assert!(!is_usable(&mut plain).await, "sqlx");

    let mut session = place.session().await;
    assert!(sqlx::query(sql).bind(1).fetch_all(&mut session).now_or_never().is_none());
    assert_eq!(one(&mut session, "select 7").await, 7);
}

/// A stream dropped while a packet is read makes the connection useless: what is left
/// of the packet is taken for the next ones.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_packet_dropped_half_way() {
    let place = Place::new().await;
    let sql = "select concat(repeat('x', 9), 'MIDDLE', repeat('x', 9))";
    let mut plain = place.plain().await;
    place.proxy.when(Direction::ToClient, "MIDDLE", Then::BlackHole);
    assert!(timeout(A_WHILE, plain.fetch(sql).next()).await.is_err());
    place.proxy.heal();
    assert!(!is_usable(&mut plain).await, "sqlx");

    let mut session = place.session().await;
    place.proxy.when(Direction::ToClient, "MIDDLE", Then::BlackHole);
    assert!(timeout(A_WHILE, session.fetch(sql).next()).await.is_err());
    place.proxy.heal();
    assert_eq!(one(&mut session, "select 7").await, 7);
}

/// F8: what a borrower has set, the next one has.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn settings_left_behind() {
    let place = Place::new().await;
    let pool =
        MySqlPoolOptions::new().max_connections(1).connect_with(place.options()).await.unwrap();
    pool.execute("set @tenant = 7").await.unwrap();
    let left = number_in(&pool.fetch_one("select @tenant").await.unwrap());
    assert_eq!(left, 7, "sqlx");

    let mut session = place.session().await;
    run(&mut session, "set @tenant = 7").await;
    MySqlSession::release(&mut session).await.unwrap_err();
}

/// F9: a statement whose future was dropped goes on at the server.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_statement_nobody_waits_for() {
    let place = Place::new().await;
    let mut plain = place.plain().await;
    assert!(plain.execute("select sleep(60)").now_or_never().is_none());
    assert!(timeout(A_WHILE, plain.execute("select 7")).await.is_err(), "sqlx");

    let mut session = place.session().await;
    drop_half_way(&mut session, "select sleep(60)");
    release(&mut session).await;
    place.at_work(&session, 0).await;
    assert_clean(&session);
}
