//! What clients are told of which error.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use sessionpool_axum::{Problem, ProblemKind, Work};
use sessionpool_core::{AcquireError, AcquireOptions, Fault, Pause, Pool, TxError, TxOptions};
use sessionpool_testkit::{Act, Scripted, Verb};

use crate::site::{Log, S, Site, ask, get, text};

const SECRET: &str = "canary-7d1f";

fn pool(backend: &Scripted) -> Pool<S> {
    let pool = Pool::builder(backend.clone()).max_size(1).max_waiters(1).limit("report", 1);
    pool.acquire_timeout(Duration::from_millis(2_300)).build().unwrap()
}

async fn refused(pool: &Pool<S>) -> AcquireError {
    pool.acquire().await.unwrap_err()
}

/// The problem's kind and status, and the `Retry-After` of its answer.
fn told(problem: impl Into<Problem>) -> (ProblemKind, u16, Option<String>) {
    let problem = problem.into();
    let kind = problem.kind();
    let response = problem.into_response();
    let after = response.headers().get("retry-after");
    (kind, response.status().as_u16(), after.map(|it| it.to_str().unwrap().to_owned()))
}

fn after(seconds: u64) -> Option<String> {
    Some(seconds.to_string())
}

#[tokio::test(start_paused = true)]
async fn overload_is_503_and_says_when_to_come_again() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    let lease = pool.acquire().await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { drop(pool.acquire().await) }
    });
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let full = refused(&pool).await;
    assert!(matches!(full, AcquireError::QueueFull { .. }), "{full}");
    // As long as the first in the queue has waited, rounded up.
    assert_eq!(told(full), (ProblemKind::Overloaded, 503, after(2)));
    waiting.await.unwrap();
    let late = refused(&pool).await;
    assert_eq!(told(late), (ProblemKind::Overloaded, 503, after(3)));
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn paused_and_closed_are_503_and_no_overload() {
    let backend = Scripted::new();
    let pool = pool(&backend);
    pool.pause(Pause::Fail);
    assert_eq!(told(refused(&pool).await), (ProblemKind::Unavailable, 503, after(5)));
    pool.pause(Pause::Wait);
    assert_eq!(told(refused(&pool).await), (ProblemKind::Unavailable, 503, after(5)));
    pool.close(Duration::ZERO).await;
    assert_eq!(told(refused(&pool).await), (ProblemKind::Unavailable, 503, after(1)));
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_remote_end_are_told_apart_from_ours() {
    let busy = |seconds| Fault::Busy { retry_after: Some(Duration::from_secs(seconds)) };
    let cases = [
        (Act::fail(Fault::Transient), (ProblemKind::BackendLost, 502, None)),
        (Act::fail(Fault::BackendLost), (ProblemKind::BackendLost, 502, None)),
        (Act::fail(Fault::Rejected), (ProblemKind::Internal, 500, None)),
        (Act::fail(busy(17)), (ProblemKind::Overloaded, 503, after(17))),
        (Act::hang(), (ProblemKind::BackendSlow, 504, None)),
    ];
    for (act, expected) in cases {
        let backend = Scripted::new();
        backend.always(Verb::Open, act.clone());
        assert_eq!(told(refused(&pool(&backend)).await), expected, "{act:?}");
    }
    let cases = [
        (Act::fail(Fault::SessionLost), (ProblemKind::BackendLost, 502, None)),
        (Act::fail(Fault::Conflict), (ProblemKind::Conflict, 409, None)),
        (Act::fail(Fault::Other), (ProblemKind::Internal, 500, None)),
        (Act::hang(), (ProblemKind::BackendSlow, 504, None)),
    ];
    for (act, expected) in cases {
        let backend = Scripted::new();
        backend.next(Verb::Begin, act.clone());
        let mut unit = pool(&backend).unit();
        let error = unit.session().await.map(drop).unwrap_err();
        assert_eq!(told(error), expected, "{act:?}");
        backend.next(Verb::Savepoint, act.clone());
        let error = unit.savepoint(async |_| Ok::<_, TxError>(())).await.unwrap_err();
        assert!(matches!(error, TxError::Savepoint { .. }), "{error}");
        assert_eq!(told(error), expected, "{act:?}");
    }
    for (fault, expected) in [
        (Fault::Conflict, (ProblemKind::Conflict, 409, None)),
        (Fault::BackendLost, (ProblemKind::BackendLost, 502, None)),
        (Fault::OutcomeUnknown, (ProblemKind::OutcomeUnknown, 500, None)),
        (Fault::Other, (ProblemKind::Internal, 500, None)),
    ] {
        let backend = Scripted::new();
        backend.next(Verb::Write, Act::fail(fault));
        let error = pool(&backend).acquire().await.unwrap().write("row").await.unwrap_err();
        assert_eq!(told(Problem::of::<S>(error)), expected, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_mistakes_are_500() {
    let backend = Scripted::new();
    let class = AcquireOptions::new().class("no such class");
    let error = pool(&backend).acquire_with(class).await.unwrap_err();
    assert_eq!(told(error), (ProblemKind::Internal, 500, None));
}

#[tokio::test(start_paused = true)]
async fn the_applications_problems_say_what_it_said() {
    let problem = Problem::new(StatusCode::NOT_FOUND, "no such station")
        .detail("LOWX is not known here")
        .because(SECRET)
        .retry_after(Duration::from_millis(1));
    assert_eq!(problem.to_string(), "404 Not Found: no such station: LOWX is not known here");
    let response = problem.into_response();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["retry-after"], "1");
    let expected = r#"{"type":"about:blank","title":"no such station","status":404,"detail":"LOWX is not known here"}"#;
    assert_eq!(text(response).await, expected);
}

/// Whatever fails with a secret in it, the log has it where it is of use, the client does
/// not; and the log has no tenant.
#[tokio::test(start_paused = true)]
async fn no_answer_has_what_the_log_has() {
    let log = Log::start();
    let site = Site::new();
    let options = TxOptions::new().setting("app.tenant", "tenant-canary");
    let layer = site.layer().options(options);
    for act in [Act::fail(Fault::Other), Act::lose_ack(), Act::fail(Fault::Conflict)] {
        for verb in [Verb::Begin, Verb::Write, Verb::Commit] {
            site.backend.next(verb, act.clone());
            let app = site.app_in(&layer, async |mut work: Work<S>| {
                let written = work.session().await?.write("insert into secrets").await;
                written.map_err(|error| Problem::of::<S>(error).because(SECRET))?;
                Ok::<_, Problem>("done")
            });
            let response = get(app).await;
            let headers = format!("{:?}", response.headers());
            let body = text(response).await;
            for leak in [SECRET, "scripted", "insert", "tenant", "ScriptedSession", ".rs"] {
                assert!(
                    !body.contains(leak) && !headers.contains(leak),
                    "{leak}: {headers} {body}"
                );
            }
        }
    }
    assert!(log.text().contains(SECRET), "{}", log.text());
    assert!(log.text().contains("scripted"), "{}", log.text());
    assert!(!log.text().contains("tenant-canary"), "{}", log.text());
    assert_eq!(ask(site.app_in(&layer, crate::site::write)).await.0, StatusCode::OK);
    site.assert_nothing_lost().await;
}
