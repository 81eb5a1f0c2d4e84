//! Whether to send requests.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use sessionpool_axum::health;
use sessionpool_core::{AcquireOptions, AnyPool, Fault, Pause, Pool};
use sessionpool_testkit::{Act, Scripted, Verb};
use tower::ServiceExt;

use crate::site::{S, text};

async fn look(pool: &Pool<S>, path: &str) -> (StatusCode, String) {
    let app: Router = health([AnyPool::from(pool.clone())]);
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status(), text(response).await)
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_paused_or_closed_is_not_ready_and_the_program_lives() {
    let backend = Scripted::new();
    let pool = Pool::builder(backend.clone()).name("shop").build().unwrap();
    let ready = r#"{"ready":true,"pools":[{"name":"shop","ready":true}]}"#;
    assert_eq!(look(&pool, "/readyz").await, (StatusCode::OK, ready.to_owned()));

    pool.pause(Pause::Wait);
    let paused = r#"{"ready":false,"pools":[{"name":"shop","ready":false,"why":"paused"}]}"#;
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(look(&pool, "/readyz").await, (unavailable, paused.to_owned()));
    pool.resume();
    assert_eq!(look(&pool, "/readyz").await.0, StatusCode::OK);

    pool.close(Duration::ZERO).await;
    assert!(look(&pool, "/readyz").await.1.contains("closed"));
    assert_eq!(look(&pool, "/livez").await, (StatusCode::OK, r#"{"live":true}"#.to_owned()));
    assert_eq!(backend.book().opened, 0, "asked the backend");
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_cannot_open_is_not_ready_until_it_may_be_tried_again() {
    let backend = Scripted::new();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let pool = Pool::builder(backend.clone()).build().unwrap();
    let soon = || AcquireOptions::new().timeout(Duration::from_secs(1));
    assert!(pool.acquire_with(soon()).await.is_err());
    let (status, body) = look(&pool, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("openings fail"), "{body}");

    // Nobody sends requests now, and a request is what it takes.
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(look(&pool, "/readyz").await.0, StatusCode::OK);

    backend.always(Verb::Open, Act::succeed());
    let lease = pool.acquire_with(soon()).await.unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    assert!(pool.acquire_with(soon()).await.is_err());
    assert_eq!(look(&pool, "/readyz").await.0, StatusCode::OK, "it has a session to serve with");
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_waits_before_it_tries_again_is_not_ready() {
    let backend = Scripted::new();
    backend.always(Verb::Open, Act::fail(Fault::Rejected));
    let pool = Pool::builder(backend).build().unwrap();
    let retry_in = || pool.last_failure().unwrap().retry_in.unwrap();
    assert!(pool.acquire().await.is_err());
    while retry_in() < Duration::from_secs(25) {
        tokio::time::advance(retry_in()).await;
        assert!(pool.acquire().await.is_err());
    }
    tokio::time::advance(Duration::from_secs(20)).await; // older than a mere failure may be
    assert_eq!(look(&pool, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    tokio::time::advance(retry_in()).await;
    assert_eq!(look(&pool, "/readyz").await.0, StatusCode::OK);
}
