//! Which route has which kind of unit.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use sessionpool::axum::{Background, UnitLayer, health, status};
use sessionpool::{AcquireOptions, Pool, TxOptions};
use tower_http::timeout::TimeoutLayer;

use crate::database::Database;
use crate::handlers::{csv, list, notices, report, station, transfer};

/// The class of work that reports are: at most two sessions are theirs.
pub(crate) const REPORT: &str = "report";

pub(crate) fn routes<S: Database>(pool: &Pool<S>, background: &Background) -> Router {
    let unit = || UnitLayer::new(pool.clone()).background(background);
    let read_only = TxOptions::new().read_only();

    let reading = Router::new()
        .route("/stations", get(list::<S>))
        .route("/stations/{id}", get(station::<S>))
        .route("/stations.csv", get(csv::<S>))
        .route("/notices", get(notices::<S>))
        .layer(within(5))
        .layer(unit().options(read_only.clone()));
    let writing =
        Router::new().route("/transfers", post(transfer::<S>)).layer(within(5)).layer(unit());
    let reports = Router::new()
        .route("/report", get(report::<S>))
        .layer(within(10))
        .layer(unit().options(read_only.acquire(AcquireOptions::new().class(REPORT))));

    reading.merge(writing).merge(reports).merge(insight(pool))
}

/// For those who run the service; the outside should not reach it.
fn insight<S: Database>(pool: &Pool<S>) -> Router {
    health([pool.clone()]).route("/status", status([pool.clone()]))
}

/// What a request may take, inside of the unit's layer: a request that is late is rolled
/// back.
fn within(seconds: u64) -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(seconds))
}
