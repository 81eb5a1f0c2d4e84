//! Servers that are killed, restarted, and stand still.

use std::time::Duration;

use sessionpool::{AcquireError, AcquireOptions, Retry, Session};
use sessionpool_testkit::proxy::{Direction, Then};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::place::{BRIEF, Failed, Place, SOON, Server, Worker, over_both};

over_both!(
    killed_sessions_are_found_by_a_check,
    a_restart_costs_those_who_are_at_it_and_nobody_else,
    a_server_that_stands_still_at_checkout_is_waited_for_no_longer_than_asked,
    a_server_that_stands_still_during_a_statement_costs_one_session,
    a_server_that_stands_still_at_return_costs_one_session,
    whoever_is_cut_off_is_replaced,
    units_in_each_others_way_all_go_through,
);

async fn killed_sessions_are_found_by_a_check<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(3).check_after_idle(Duration::ZERO)).await;
    let leases = [place.pool.acquire().await.unwrap(), place.pool.acquire().await.unwrap()];
    drop(leases);
    place.becomes("idle", |status| status.idle == 2).await;
    assert!(place.server.kill_sessions().await >= 2);
    place.works().await;
    // One check told of both.
    place.becomes("rid of them", |status| status.counters.closed.total() == 2).await;
}

async fn a_restart_costs_those_who_are_at_it_and_nobody_else<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(3).check_after_idle(None)).await;
    let mut lease = place.pool.acquire().await.unwrap();
    drop(place.pool.acquire().await.unwrap());
    place.becomes("idle", |status| status.idle == 1).await;
    place.server.restart().await;
    lease.run("select 1").await.unwrap_err();
    drop(lease);
    // That the one found the backend lost is enough for all.
    for _ in 0..3 {
        place.works().await;
    }
    assert_eq!(place.server.ask("select x from t").await, "3");
}

async fn a_server_that_stands_still_at_checkout_is_waited_for_no_longer_than_asked<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(2).check_after_idle(Duration::ZERO)).await;
    drop(place.pool.acquire().await.unwrap());
    place.server.freeze();
    let briefly = || place.pool.acquire_with(AcquireOptions::new().timeout(BRIEF));
    let refused = briefly().await.unwrap_err();
    assert!(matches!(refused, AcquireError::TimedOut(_)), "{refused}");
    assert!(timeout(SOON, briefly()).await.unwrap().is_err());
    place.server.thaw();
    place.becomes("open to anybody", |status| status.opening + status.checking == 0).await;
    place.works().await;
    assert!(place.pool.status().size() <= 2);
}

async fn a_server_that_stands_still_during_a_statement_costs_one_session<S: Server>() {
    let place =
        Place::<S>::new(|pool| pool.max_size(1).release_timeout(BRIEF).close_timeout(BRIEF)).await;
    let mut lease = place.pool.acquire().await.unwrap();
    place.server.freeze();
    assert!(timeout(BRIEF, lease.run("select 1")).await.is_err());
    drop(lease);
    place.becomes("rid of it", |status| status.size() == 0).await;
    place.server.thaw();
    place.works().await;
}

async fn a_server_that_stands_still_at_return_costs_one_session<S: Server>() {
    let place =
        Place::<S>::new(|pool| pool.max_size(1).release_timeout(BRIEF).close_timeout(BRIEF)).await;
    let mut lease = place.pool.acquire().await.unwrap();
    lease.run("begin").await.unwrap();
    lease.run("update t set x = 100").await.unwrap();
    place.server.freeze();
    drop(lease);
    place.becomes("rid of it", |status| status.size() == 0).await;
    place.server.thaw();
    place.works().await;
    assert_eq!(place.server.ask("select x from t").await, "1", "it was rolled back");
}

async fn whoever_is_cut_off_is_replaced<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(2)).await;
    let mut lease = place.pool.acquire().await.unwrap();
    let sent = place.proxy.when(Direction::ToServer, S::SLEEP, Then::GoOn);
    let asleep = async { lease.run(S::SLEEP).await };
    let cut_off = async {
        sent.sprung().await;
        place.proxy.reset_all();
    };
    let (answer, ()) = tokio::join!(asleep, cut_off);
    let error = answer.unwrap_err();
    assert!(sessionpool::Fault::BackendLost == classify(&*lease, &error), "{error}");
    drop(lease);
    place.works().await;
}

fn classify<S: Session>(_: &S, error: &S::Error) -> sessionpool::Fault {
    S::classify(error)
}

/// Each reads the row and writes it, so that most of those at it at a time must lose.
async fn units_in_each_others_way_all_go_through<S: Server>() {
    let place = Place::<S>::new(|pool| pool.max_size(8)).await;
    let options = sessionpool::TxOptions::new().isolation(sessionpool::Isolation::Serializable);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (pool, options) = (place.pool.clone(), options.clone());
        tasks.spawn(async move {
            for _ in 0..10 {
                let retry = Retry::on_conflict(100).options(options.clone());
                let unit = pool.transaction_with(retry, async |tx| {
                    tx.run("select x from t").await?;
                    tokio::task::yield_now().await;
                    tx.run("update t set x = x + 1").await?;
                    Ok::<_, Failed>(())
                });
                Box::pin(unit).await.unwrap();
            }
        });
    }
    timeout(Duration::from_secs(120), tasks.join_all()).await.expect("in time");
    assert_eq!(place.server.ask("select x from t").await, "80");
}
