//! Whether this program lives, and whether it should be sent requests.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use sessionpool_core::{AnyPool, LastFailure};

/// A failure older than this is not held against a pool that may try again and does not:
/// without requests nothing is opened, and nothing could show that the remote end is back.
const FRESH: Duration = Duration::from_secs(15);

/// `GET /livez` and `GET /readyz`, which take no session and wait for nothing.
///
/// Live is who answers: 200. Ready is whose pools can serve: 200, and 503 with the reason
/// for each pool that is closed, or paused, or has no session while openings fail. A
/// failing pool is ready again fifteen seconds after its last attempt, once it would make
/// another, since it takes a request to make that. A pool with a long queue *is* ready: sending its requests
/// elsewhere would bury the next.
///
/// ```text
/// {"ready":false,"pools":[{"name":"shop","ready":false,"why":"paused"}]}
/// ```
pub fn health<T, P>(pools: impl IntoIterator<Item = P>) -> Router<T>
where
    T: Clone + Send + Sync + 'static,
    P: Into<AnyPool>,
{
    let pools: Vec<AnyPool> = pools.into_iter().map(Into::into).collect();
    Router::new()
        .route("/livez", get(async || answer(StatusCode::OK, &Live { live: true })))
        .route("/readyz", get(async move || readiness(&pools)))
}

#[derive(Serialize)]
struct Live {
    live: bool,
}

#[derive(Serialize)]
struct Readiness<'p> {
    ready: bool,
    pools: Vec<PoolReadiness<'p>>,
}

#[derive(Serialize)]
struct PoolReadiness<'p> {
    name: Option<&'p str>,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

fn readiness(pools: &[AnyPool]) -> Response {
    let pools: Vec<_> = pools
        .iter()
        .map(|pool| {
            let why = unfit(pool);
            PoolReadiness { name: pool.name(), ready: why.is_none(), why }
        })
        .collect();
    let ready = pools.iter().all(|pool| pool.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &Readiness { ready, pools })
}

/// Why no request should be sent to it.
fn unfit(pool: &AnyPool) -> Option<&'static str> {
    let status = pool.status();
    let is_down = || {
        let fails = |last: LastFailure| {
            let is_trying = last.retry_in.is_some() || status.opening > 0;
            last.streak > 0 && (is_trying || last.age < FRESH)
        };
        status.size() == status.opening && pool.last_failure().is_some_and(fails)
    };
    match () {
        () if status.closed => Some("closed"),
        () if status.paused => Some("paused"),
        () if is_down() => Some("openings fail"),
        () => None,
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_string(body).expect("names and truths are JSON");
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body)
        .into_response()
}
