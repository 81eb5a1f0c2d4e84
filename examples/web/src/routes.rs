//! Which route has which kind of unit.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use sessionpool::axum::{Problem, UnitLayer, health, status};
use sessionpool::{AcquireOptions, Isolation, Pool, TxOptions};
use tokio::time;

use crate::database::Database;
use crate::handlers::{csv, list, notices, report, station, transfer};

/// The classes of work that would leave no session for pages: reports take their time, and
/// exports as long as the client does.
pub(crate) const REPORT: &str = "report";
pub(crate) const EXPORT: &str = "export";

pub(crate) fn routes<S: Database>(pool: &Pool<S>) -> Router {
    let unit = || UnitLayer::new(pool.clone());
    let read_only = TxOptions::new().read_only();
    let of_class = |class| read_only.clone().acquire(AcquireOptions::new().class(class));

    let reading = Router::new()
        .route("/stations", get(list::<S>))
        .route("/stations/{id}", get(station::<S>))
        .route("/notices", get(notices::<S>))
        .layer(from_fn(within::<5>))
        .layer(unit().options(read_only.clone()));
    let writing = Router::new()
        .route("/transfers", post(transfer::<S>))
        .layer(from_fn(within::<5>))
        .layer(unit());
    let reports = Router::new()
        .route("/report", get(report::<S>))
        .layer(from_fn(within::<10>))
        .layer(unit().options(of_class(REPORT)));
    // All its pages see what the first one saw: PostgreSQL's default is a snapshot for each.
    let one_snapshot = of_class(EXPORT).isolation(Isolation::RepeatableRead);
    let exports = Router::new()
        .route("/stations.csv", get(csv::<S>))
        .layer(from_fn(within::<5>))
        .layer(unit().options(one_snapshot).body_limit(Duration::from_secs(20)));

    reading.merge(writing).merge(reports).merge(exports).merge(insight(pool))
}

/// For those who run the service; the outside should not reach it.
fn insight<S: Database>(pool: &Pool<S>) -> Router {
    health([pool.clone()]).route("/status", status([pool.clone()]))
}

/// What a request may take until its answer begins, inside of the unit's layer: one that
/// is late is rolled back. It is more than the pool's time-outs, whose answer is the better
/// one: 503, and when to come again.
async fn within<const SECONDS: u64>(request: Request, next: Next) -> Result<Response, Problem> {
    let answered = time::timeout(Duration::from_secs(SECONDS), next.run(request)).await;
    answered.map_err(|_| Problem::new(StatusCode::GATEWAY_TIMEOUT, "it took too long"))
}
