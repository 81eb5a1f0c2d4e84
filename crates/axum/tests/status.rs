//! What the status page shows, and what it must not.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use serde_json::Value;
use sessionpool_axum::status;
use sessionpool_core::{AcquireOptions, AnyPool, Backend, Condition, Fault, Pause, Pool, Session};
use sessionpool_testkit::Scripted;
use tower::ServiceExt;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn serve(pools: impl IntoIterator<Item = AnyPool>) -> Router {
    Router::new().route("/status", status(pools))
}

async fn ask(app: &Router, accept: &str) -> (HeaderMap, String) {
    let request = Request::get("/status").header(ACCEPT, accept).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (head.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn json(app: &Router) -> Value {
    let (headers, body) = ask(app, "*/*").await;
    assert_eq!(headers[CONTENT_TYPE], "application/json");
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    serde_json::from_str(&body).unwrap()
}

async fn page(app: &Router) -> String {
    let (headers, body) = ask(app, "text/html,*/*;q=0.8").await;
    assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    body
}

#[tokio::test(start_paused = true)]
async fn every_pool_is_shown_as_it_is() {
    let builder = Pool::builder(Scripted::new()).name("shop").max_size(3).limit("report", 2);
    let shop = builder.class_timeout("report", secs(7)).max_lifetime(None).build().unwrap();
    let idle = Pool::builder(Scripted::new()).build().unwrap();
    let app = serve([AnyPool::from(shop.clone()), AnyPool::from(idle.clone())]);

    let line = line!() + 1;
    let held = shop.acquire_with(AcquireOptions::new().class("report")).await.unwrap();
    tokio::time::sleep(secs(90)).await;
    let _second = shop.acquire().await.unwrap();
    shop.flush();
    idle.pause(Pause::Wait);

    let all = json(&app).await;
    let [it, paused] = [&all["pools"][0], &all["pools"][1]];
    assert_eq!((&it["name"], &paused["name"]), (&Value::from("shop"), &Value::Null));
    assert_eq!(it["status"]["leased"], 2);
    assert_eq!(it["status"]["max_size"], 3);
    assert_eq!(it["status"]["generation"], 1);
    assert_eq!(
        (&it["status"]["paused"], &paused["status"]["paused"]),
        (&false.into(), &true.into())
    );
    assert_eq!(it["counters"]["acquired"], 2);
    assert_eq!(it["counters"]["opened"], 2);
    assert_eq!(it["closed_by_reason"]["stale"], 0);
    assert_eq!(it["last_failure"], Value::Null);
    let class = serde_json::json!(
        { "name": "report", "leased": 1, "waiters": 0, "limit": 2, "timeout_s": 7.0 }
    );
    assert_eq!(it["classes"], Value::from(vec![class]));
    let holder = &it["holders"][0];
    assert_eq!((&holder["session"], &holder["class"]), (&1.into(), &"report".into()));
    assert!(holder["held_s"].as_f64().is_some_and(|held| (89.9..91.0).contains(&held)));
    let site = holder["site"].as_str().unwrap();
    assert!(site.contains(&format!("status.rs:{line}:")), "{site}");
    assert_eq!(it["holders"][1]["session"], 2);
    assert_eq!(it["settings"]["acquire_timeout_s"], 30.0);
    assert_eq!(it["settings"]["max_lifetime_s"], Value::Null);
    assert_eq!(it["settings"]["max_waiters"], 1_000);

    let page = page(&app).await;
    for shown in ["<h2>shop</h2>", "2 of 3 sessions (leased 2)", site, "paused", "max_connecting"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_bounded_however_many_hold_sessions() {
    let pool = Pool::builder(Scripted::new()).max_size(150).max_connecting(150).build().unwrap();
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push(pool.acquire().await.unwrap());
    }
    let app = serve([AnyPool::from(pool.clone())]);
    let all = json(&app).await;
    assert_eq!(all["pools"][0]["holders"].as_array().unwrap().len(), 100);
    assert_eq!(all["pools"][0]["holders_not_shown"], 50);
    assert!(page(&app).await.contains("and 50 more"));
}

#[tokio::test(start_paused = true)]
async fn whatever_a_name_contains_is_text() {
    let hostile = "<script>alert('1')</script>\" onload=\"x & y";
    let pool = Pool::builder(Scripted::new()).name(hostile).limit(hostile, 1).build().unwrap();
    let _held = pool.acquire_with(AcquireOptions::new().class(hostile)).await.unwrap();
    let app = serve([AnyPool::from(pool.clone())]);
    let page = page(&app).await;
    assert!(!page.contains("<script") && !page.contains("onload=\""), "{page}");
    assert_eq!(page.matches("&lt;script&gt;").count(), 4, "{page}");
    let all = json(&app).await;
    assert_eq!(all["pools"][0]["name"], hostile);
    assert_eq!(all["pools"][0]["holders"][0]["class"], hostile);
}

/// A backend as careless as one can be.
#[derive(Debug)]
struct Careless {
    url: String,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {0}")]
struct NoConnection(String, #[source] std::io::Error);

struct Nothing;

impl Backend for Careless {
    type Session = Nothing;

    async fn open(&self) -> Result<Nothing, NoConnection> {
        let source = std::io::Error::other(format!("{} said no", self.url));
        Err(NoConnection(self.url.clone(), source))
    }

    async fn check(&self, _: &mut Nothing) -> Result<(), NoConnection> {
        Ok(())
    }
}

impl Session for Nothing {
    type Error = NoConnection;

    fn condition(&self) -> Condition {
        Condition::Clean
    }

    fn classify(_: &NoConnection) -> Fault {
        Fault::Rejected
    }

    async fn release(_: &mut Self) -> Result<(), NoConnection> {
        Ok(())
    }

    async fn close(_: Self) -> Result<(), NoConnection> {
        Ok(())
    }

    fn abort(_: Self) {}
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shown_and_no_secret_with_it() {
    const CANARY: &str = "hunter2-5d1f0c9e";
    let url = format!("postgres://app:{CANARY}@db.example.com/shop");
    let pool = Pool::builder(Careless { url }).name("shop").build().unwrap();
    let error = pool.acquire().await.err().unwrap();
    assert!(format!("{error:?}").contains(CANARY), "the error says too much: {error:?}");
    tokio::time::sleep(secs(3)).await;

    let app = serve([AnyPool::from(pool.clone())]);
    let (_, text) = ask(&app, "application/json").await;
    for shown in [page(&app).await, text] {
        for secret in [CANARY, &CANARY[..8], "db.example.com", "said no"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("rejected"), "{shown}");
    }
    let failure = json(&app).await["pools"][0]["last_failure"].clone();
    assert_eq!(failure, serde_json::json!({ "fault": "rejected", "age_s": 3.0, "streak": 1 }));
}

#[tokio::test(start_paused = true)]
async fn the_applications_own_authorization_stands_in_front() {
    async fn operators(request: Request, next: Next) -> Result<Response, StatusCode> {
        match request.headers().get(AUTHORIZATION) {
            Some(token) if token == "Bearer operator" => Ok(next.run(request).await),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
    let pool = Pool::builder(Scripted::new()).build().unwrap();
    let app: Router = Router::new().route("/status", status([pool]).layer(from_fn(operators)));
    for (method, token, answer) in [
        (Method::GET, "Bearer operator", StatusCode::OK),
        (Method::HEAD, "Bearer operator", StatusCode::OK),
        (Method::GET, "Bearer somebody", StatusCode::UNAUTHORIZED),
        (Method::POST, "Bearer operator", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = Request::builder().method(&method).uri("/status");
        let request = request.header(AUTHORIZATION, token).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), answer, "{method} {token}");
    }
}

#[tokio::test(start_paused = true)]
async fn looking_takes_no_session_and_a_closed_pool_can_be_looked_at() {
    let backend = Scripted::new();
    let pool = Pool::builder(backend.clone()).build().unwrap();
    let app = serve([AnyPool::from(pool.clone())]);
    assert_eq!(json(&app).await["pools"][0]["counters"]["requested"], 0);
    pool.close(secs(1)).await;
    assert_eq!(json(&app).await["pools"][0]["status"]["closed"], true);
    assert!(page(&app).await.contains("closed"));
    assert_eq!(backend.book().open_calls, 0);
}
