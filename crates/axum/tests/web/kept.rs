//! Bodies that keep their request's unit.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::IntoResponse;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use sessionpool_axum::{Background, Work};
use sessionpool_core::Fault;
use sessionpool_testkit::{Act, Verb};
use tokio::sync::mpsc;

use crate::site::{Log, S, Site, get, put, request, text};

/// Writes a row for each part that it sends.
fn parts(work: Work<S>, parts: usize) -> Body {
    Body::from_stream(stream::unfold((work, 0), move |(mut work, sent)| async move {
        if sent == parts {
            return None;
        }
        let row = sent.to_string();
        let written = put(&mut work, &row).await;
        Some((written.map(|()| row), (work, sent + 1)))
    }))
}

#[tokio::test(start_paused = true)]
async fn it_is_committed_at_the_end_of_the_body_and_the_client_told_after_that() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        ([(CONTENT_LENGTH, "3")], parts(work, 3))
    });
    site.backend.next(Verb::Commit, Act::take(Duration::from_secs(3)));
    let mut response = get(app).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key(CONTENT_LENGTH));
    for _ in 0..3 {
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        assert!(site.committed().is_empty(), "committed in the middle of the body");
    }
    assert!(response.body_mut().frame().await.is_none());
    assert_eq!(site.committed(), ["0", "1", "2"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_breaks_the_body_off() {
    let log = Log::start();
    let site = Site::new();
    site.backend.next(Verb::Commit, Act::fail(Fault::Conflict));
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        parts(work, 1)
    });
    let mut body = get(app).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let broken = body.frame().await.unwrap().unwrap_err();
    assert!(broken.to_string().contains("broke off"), "{broken}");
    assert!(body.frame().await.is_none());
    assert_eq!(log.errors().len(), 1, "{}", log.text());
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_rolled_back() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        let failing = stream::once(async { Err::<Bytes, _>(std::io::Error::other("no more")) });
        Body::from_stream(
            parts(work, 2).into_data_stream().chain(Body::from_stream(failing).into_data_stream()),
        )
    });
    let body = get(app).await.into_body();
    assert!(body.collect().await.is_err());
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_or_stops_reading_has_it_rolled_back() {
    for goes in [true, false] {
        let site = Site::new();
        let background = Background::new();
        let layer = site.layer().background(&background).body_limit(Duration::from_secs(7));
        let app = site.app_in(&layer, async |mut work: Work<S>| {
            work.keep_for_body();
            parts(work, usize::MAX)
        });
        let mut response = get(app).await;
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        let unread = (!goes).then_some(response); // dropped, or merely not read
        assert_eq!(background.finished(Duration::from_secs(8)).await, 0);
        site.assert_nothing_lost().await;
        assert!(site.committed().is_empty());
        if let Some(response) = unread {
            assert!(response.into_body().collect().await.is_err(), "it seems to have ended well");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_noticed_while_the_body_waits_for_its_session() {
    let site = Site::new();
    let background = Background::new();
    site.backend.next(Verb::Write, Act::succeed()).next(Verb::Write, Act::hang());
    let app = site.app_in(&site.layer().background(&background), async |mut work: Work<S>| {
        work.keep_for_body();
        parts(work, 2)
    });
    let mut response = get(app).await;
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    site.backend.called(Verb::Write, 2).await;
    drop(response);
    assert_eq!(background.finished(Duration::from_secs(10)).await, 0, "it waits for the limit");
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_rule_decides_for_bodies_too() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        (StatusCode::NOT_FOUND, parts(work, 2)).into_response()
    });
    let response = get(app).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(text(response).await, "01");
    assert!(site.committed().is_empty());
    site.assert_nothing_lost().await;
}

/// Nobody reads the body then.
#[tokio::test(start_paused = true)]
async fn a_head_request_ends_it_too() {
    let site = Site::new();
    let background = Background::new();
    let handler = async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        work.keep_for_body();
        parts(work, usize::MAX)
    };
    let layer = site.layer().background(&background);
    let app = axum::Router::new().route("/it", axum::routing::get(handler)).layer(layer);
    let request = axum::http::Request::head("/it").body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    assert_eq!(background.finished(Duration::from_secs(5)).await, 0);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_produces_the_body_may_let_go_a_moment_later() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        let (sender, mut receiver) = mpsc::channel::<&'static str>(1);
        tokio::spawn(async move {
            put(&mut work, "row").await.unwrap();
            sender.send("part").await.unwrap();
            drop(sender);
            tokio::time::sleep(Duration::from_millis(200)).await; // still has `work`
            drop(work);
        });
        let parts = stream::poll_fn(move |cx| receiver.poll_recv(cx));
        Body::from_stream(parts.map(Ok::<_, std::io::Error>))
    });
    assert_eq!(text(get(app).await).await, "part");
    assert_eq!(site.committed(), ["row"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_let_go_breaks_it_off() {
    let log = Log::start();
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        work.keep_for_body();
        put(&mut work, "row").await.unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(work);
        });
        "short"
    });
    assert!(get(app).await.into_body().collect().await.is_err());
    assert!(log.errors().join("\n").contains("outlived the body"), "{}", log.text());
    assert!(site.committed().is_empty());
    site.assert_nothing_lost().await;
}

/// A server drops a body that it does not send, and who has trailers has the end.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_sent_without_its_body_is_committed_before_it() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED, StatusCode::OK] {
        let site = Site::new();
        let app = site.app(async move |mut work: Work<S>| {
            put(&mut work, "row").await.unwrap();
            work.keep_for_body();
            match status {
                StatusCode::OK => (status, Body::empty()),
                _ => (status, parts(work, 3)),
            }
        });
        let response = get(app).await;
        assert_eq!((response.status(), site.committed()), (status, vec!["row".to_owned()]));
        site.assert_nothing_lost().await;
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_are_the_end_and_come_after_the_commit() {
    for (act, committed) in [(Act::take(Duration::from_secs(3)), true), (Act::roll_back(), false)] {
        let site = Site::new();
        site.backend.next(Verb::Commit, act);
        let app = site.app(async |mut work: Work<S>| {
            put(&mut work, "row").await.unwrap();
            work.keep_for_body();
            let frames = [Frame::data(Bytes::from("part")), Frame::trailers(HeaderMap::new())];
            let frames = stream::iter(frames).map(move |frame| {
                let _ = &work;
                Ok::<_, std::io::Error>(frame)
            });
            Body::new(StreamBody::new(frames))
        });
        let mut body = get(app).await.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let last = body.frame().await.unwrap();
        assert_eq!(last.is_ok_and(|frame| frame.is_trailers()), committed);
        assert_eq!(site.committed().len(), usize::from(committed));
        assert!(body.frame().await.is_none());
        site.assert_nothing_lost().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_commit_is_refused_where_a_broken_body_cannot_be_told() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        work.keep_for_body();
        parts(work, 1)
    });
    let mut request = request();
    *request.version_mut() = Version::HTTP_10;
    let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    assert!(site.committed().is_empty());
    site.assert_nothing_lost().await;
}
