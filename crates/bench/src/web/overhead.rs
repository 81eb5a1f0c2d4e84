//! What the layer costs, with nothing else to wait for.

use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use sessionpool_axum::{Problem, UnitLayer, Work};
use sessionpool_core::{Condition, Pool, Session, TxError};
use tower::Service;

use super::noop::{NoopTx, pool};
use crate::runtime::Flavor;
use crate::statistics::median;

/// Microseconds a request.
pub(super) struct Overhead {
    pub(super) by_hand: f64,
    pub(super) unused: f64,
    pub(super) by_unit: f64,
}

const BATCH: u32 = 200;
const ANSWER: &str = "done";

async fn by_hand(State(pool): State<Pool<NoopTx>>) -> Result<&'static str, StatusCode> {
    let done = pool.transaction(async |tx| {
        black_box(tx.condition());
        Ok::<_, TxError>(ANSWER)
    });
    done.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn by_unit(mut work: Work<NoopTx>) -> Result<&'static str, Problem> {
    let session = work.session().await?;
    debug_assert_eq!(session.condition(), Condition::Dirty);
    black_box(session.condition());
    Ok(ANSWER)
}

async fn unused(_: Work<NoopTx>) -> &'static str {
    ANSWER
}

/// In turns, batch by batch: what disturbs one disturbs the others.
pub(super) fn overhead(slice: Duration) -> Overhead {
    let measured = async move {
        let pool = pool();
        let unit = || UnitLayer::new(pool.clone());
        let mut apps: [Router; 3] = [
            Router::new().route("/", get(by_hand)).with_state(pool.clone()),
            Router::new().route("/", get(unused)).layer(unit()),
            Router::new().route("/", get(by_unit)).layer(unit()),
        ];
        let mut batches = [const { Vec::new() }; 3];
        let end = Instant::now() + slice * 3;
        while batches[0].is_empty() || Instant::now() < end {
            for (app, batches) in apps.iter_mut().zip(&mut batches) {
                let began = Instant::now();
                for _ in 0..BATCH {
                    ask(app).await;
                }
                batches.push(Some(began.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH)));
            }
        }
        let [by_hand, unused, by_unit] = batches.map(|it| median(it).expect("at least one batch"));
        Overhead { by_hand, unused, by_unit }
    };
    Flavor::CurrentThread.run(Duration::from_secs(60), measured).expect("it ends by itself")
}

async fn ask(app: &mut Router) {
    let request = Request::new(Body::empty());
    let response = app.call(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), StatusCode::OK);
    black_box(response);
}
