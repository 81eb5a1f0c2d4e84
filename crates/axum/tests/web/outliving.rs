//! A handle that outlives its handler without having asked.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use sessionpool_axum::{Work, WorkError};
use sessionpool_testkit::Verb;
use tokio::sync::{Notify, mpsc};

use crate::site::{Log, S, Site, ask, put};

#[tokio::test(start_paused = true)]
async fn a_unit_moved_into_a_task_is_a_loud_error() {
    let log = Log::start();
    let site = Site::new();
    let answered = Arc::new(Notify::new());
    let (tell, mut told) = mpsc::channel(1);
    let answer = Arc::clone(&answered);
    let app = site.app(async move |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        tokio::spawn(async move {
            answer.notified().await;
            tell.send(work.session().await.map(drop)).await.unwrap();
        });
        "it is being done"
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
    assert_eq!(site.backend.book().calls(Verb::Rollback), 1);
    let errors = log.errors().join("\n");
    for part in ["outlived", "/it", "site.rs", "after_commit"] {
        assert!(errors.contains(part), "{part} is not in: {errors}");
    }
    answered.notify_one();
    assert!(matches!(told.recv().await, Some(Err(WorkError::Ended { .. }))));
    assert!(site.committed().is_empty());
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn in_use_at_that_moment_it_is_rolled_back_when_it_is_let_go() {
    let log = Log::start();
    let site = Site::new();
    let answered = Arc::new(Notify::new());
    let answer = Arc::clone(&answered);
    let backend = site.backend.clone();
    let app = site.app(async move |mut work: Work<S>| {
        tokio::spawn(async move {
            let mut session = work.session().await.unwrap();
            session.write("row").await.unwrap();
            answer.notified().await;
            session.write("later").await.unwrap();
        });
        backend.called(Verb::Write, 1).await;
        "it is being done"
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("outcome-unknown"), "its user may yet commit: {body}");
    assert!(log.errors().join("\n").contains("is in use after its handler answered"));
    assert_eq!(site.pool.status().leased, 1);
    answered.notify_one();
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_unit_moved_into_the_body_without_asking_is_a_loud_error() {
    let log = Log::start();
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        Body::from_stream(stream::iter(["a", "b"]).map(move |part| {
            let _ = &work;
            Ok::<_, std::io::Error>(part)
        }))
    });
    assert_eq!(ask(app).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(site.committed().is_empty());
    assert!(log.errors().join("\n").contains("keep_for_body"), "{}", log.text());
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_forgotten_is_no_success() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        std::mem::forget(work.session().await.unwrap());
        "all is well"
    });
    assert_eq!(ask(app).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(site.pool.status().leased, 1, "nobody can give back what was forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_awaited_may_use_it() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        let task = tokio::spawn(async move { put(&mut work, "row").await });
        task.await.unwrap()
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["row"]);
    site.assert_nothing_lost().await;
}
