//! "Three in the morning" quotes what the pool says. Here it says so.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod log;
mod outside;
mod page;
mod report;
mod shop;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::post;
use page::quotes;
use sessionpool::axum::{Problem, UnitLayer, Work};
use sessionpool::event::Traced;
use sessionpool::{AcquireError, AcquireOptions, Fault, Pool, PoolBuilder, Retry, TxError};
use sessionpool_testkit::{Act, Scripted, ScriptedSession, Verb};
use tokio::task::yield_now;
use tower::ServiceExt;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn shop(backend: &Scripted) -> PoolBuilder<ScriptedSession> {
    Pool::builder(backend.clone()).name("shop").max_size(3).acquire_timeout(secs(5))
}

/// Reports hold the sessions; the first began a minute and a half ago.
async fn all_lent(pool: &Pool<ScriptedSession>) {
    tokio::spawn(report::of_the_day(pool.clone(), secs(600)));
    tokio::time::sleep(secs(87)).await;
    for _ in 0..2 {
        tokio::spawn(report::of_the_day(pool.clone(), secs(600)));
    }
    tokio::time::sleep(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_out_with_everything_lent() {
    let pool = shop(&Scripted::new()).build().unwrap();
    all_lent(&pool).await;
    quotes("status", &pool.status().to_string());
    let error = pool.acquire().await.unwrap_err();
    assert!(error.is_overload());
    quotes("all lent", &masked(&error.to_string()));
    let report = pool.close(secs(10)).await;
    quotes("still out", &masked(&report.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_itself() {
    let pool = shop(&Scripted::new()).max_size(1).build().unwrap();
    let error = tokio::spawn(shop::check_out(pool)).await.unwrap().unwrap_err();
    quotes("itself", &masked(&error.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_class_that_is_full() {
    let pool = shop(&Scripted::new()).limit("report", 2).build().unwrap();
    for _ in 0..2 {
        tokio::spawn(report::in_its_class(pool.clone(), secs(600)));
    }
    yield_now().await;
    let error = pool.acquire_with(AcquireOptions::new().class("report")).await.unwrap_err();
    assert!(error.is_overload());
    quotes("class", &masked(&error.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full() {
    let pool = shop(&Scripted::new()).max_waiters(2).build().unwrap();
    all_lent(&pool).await;
    for _ in 0..2 {
        tokio::spawn(report::of_the_day(pool.clone(), secs(1)));
    }
    tokio::time::sleep(secs(2)).await;
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::QueueFull { .. }));
    quotes("queue", &error.to_string());
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_that_does_not_answer() {
    let backend = Scripted::new();
    let pool = shop(&backend).acquire_timeout(secs(2)).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(60)).await;
    backend.next(Verb::Check, Act::hang());
    let error = pool.acquire().await.unwrap_err();
    assert!(error.is_backend_fault());
    quotes("checking", &error.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_not_yet_clean() {
    let backend = Scripted::new();
    let pool = shop(&backend).max_size(1).acquire_timeout(secs(2)).build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    backend.next(Verb::Release, Act::take(secs(4)));
    lease.set_dirty();
    drop(lease);
    quotes("cleaning", &pool.acquire().await.unwrap_err().to_string());
}

/// Real time: two runtimes share no paused clock.
#[test]
fn a_runtime_nobody_drives() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (theirs, ours) = (runtime(), runtime());
    let backend = Scripted::new();
    let pool = shop(&backend).max_size(1).acquire_timeout(Duration::from_millis(500));
    let pool = pool.build().unwrap();
    let mut lease = theirs.block_on(pool.acquire()).unwrap();
    lease.set_dirty();
    drop(lease); // cleaned by a task there, where nobody polls it
    let error = ours.block_on(pool.acquire()).unwrap_err();
    assert!(!error.is_overload() && !error.is_backend_fault());
    quotes("stalled", &error.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_paused_pool() {
    let pool = shop(&Scripted::new()).build().unwrap();
    pool.pause(sessionpool::Pause::Wait);
    quotes("paused", &pool.acquire().await.unwrap_err().to_string());
}

#[tokio::test(start_paused = true)]
async fn leaks_and_slow_acquires_in_the_log() {
    let (log, _guard) = log::Log::new();
    let backend = Scripted::new();
    let builder = shop(&backend).max_size(1).acquire_timeout(secs(300));
    let pool = builder.leak_detection(secs(60)).events(Arc::new(Traced::new())).build().unwrap();
    tokio::spawn(report::of_the_day(pool.clone(), secs(92)));
    yield_now().await;
    report::of_the_day(pool, secs(1)).await;
    quotes("leak and slow", &log.text());
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_lost() {
    let backend = Scripted::new();
    let pool = shop(&backend).build().unwrap();
    backend.always(Verb::Commit, Act::fail(Fault::Conflict));
    let error = pool
        .transaction_with(Retry::on_conflict(2), async |tx| {
            tx.write("a row").await.unwrap();
            Ok::<_, TxError>(())
        })
        .await
        .unwrap_err();
    assert!(error.is_conflict());
    quotes("conflict", &error.to_string());
}

#[tokio::test(start_paused = true)]
async fn the_status_page() {
    let pool = shop(&Scripted::new()).build().unwrap();
    all_lent(&pool).await;
    let app = Router::<()>::new().route("/status", sessionpool::axum::status([pool]));
    let answer = app.oneshot(Request::get("/status").body(Body::empty()).unwrap()).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
    let mut page: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let pool = &mut page["pools"][0];
    assert_eq!(pool["name"], "shop");
    let mut lines = pool["status"]["summary"].to_string();
    for holder in pool["holders"].as_array_mut().unwrap() {
        assert!(holder["task"].is_string());
        holder["task"] = "17".into();
        lines += &format!("\n{holder}");
    }
    quotes("status page", &lines);
}

/// The head's first line, the headers a person looks at, and the body.
async fn told(response: Response) -> String {
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let mut told = format!("HTTP/1.1 {}\n", head.status);
    for name in ["content-type", "retry-after"] {
        if let Some(value) = head.headers.get(name) {
            told += &format!("{name}: {}\n", value.to_str().unwrap());
        }
    }
    told + "\n" + std::str::from_utf8(&body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_the_clients_got() {
    async fn order(mut work: Work<ScriptedSession>) -> Result<StatusCode, Problem> {
        drop(work.session().await?);
        Ok(StatusCode::CREATED)
    }
    let backend = Scripted::new();
    let pool = shop(&backend).build().unwrap();
    let app = Router::new().route("/orders", post(order)).layer(UnitLayer::new(pool.clone()));
    let ask = || Request::post("/orders").body(Body::empty()).unwrap();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    quotes("answer down", &told(app.clone().oneshot(ask()).await.unwrap()).await);
    backend.always(Verb::Open, Act::succeed());
    // The next opening waits for its turn, perhaps for longer than a request does.
    tokio::time::sleep(pool.last_failure().unwrap().retry_in.unwrap_or_default()).await;
    backend.next(Verb::Commit, Act::lose_ack());
    quotes("answer unknown", &told(app.clone().oneshot(ask()).await.unwrap()).await);
    all_lent(&pool).await;
    quotes("answer overloaded", &told(app.oneshot(ask()).await.unwrap()).await);
}

#[test]
fn a_setting_that_cannot_work() {
    let error = shop(&Scripted::new()).min_idle(5).build().unwrap_err();
    quotes("setting", &error.to_string());
}

/// What the table of verdicts explains is what is said.
#[test]
fn every_verdict_is_one_that_was_given() {
    let said: Vec<String> = page::quotations()
        .values()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let verdicts = page::verdicts();
    assert!(verdicts.len() > 8, "{verdicts:?}");
    for verdict in verdicts {
        for part in verdict.split('…').map(|part| part.trim_matches([' ', ','])) {
            assert!(said.iter().any(|text| text.contains(part)), "nobody said {part:?}");
        }
    }
}

/// Each quotation has its test, and is not left over.
#[test]
fn nothing_is_quoted_that_nobody_said() {
    let tests = concat!(include_str!("main.rs"), include_str!("outside.rs"));
    for name in page::quotations().keys() {
        assert!(tests.contains(&format!("quotes(\"{name}\"")), "who says {name}?");
    }
}

/// The numbers of tasks are those of the day.
fn masked(text: &str) -> String {
    let mut parts = text.split(" by task ");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(" by task 17");
        masked.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    masked
}
