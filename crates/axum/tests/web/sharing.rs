//! One unit for all extractors of a request, and none before it is used.

use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::any;
use sessionpool_axum::{Problem, UnitLayer, Work, WorkError};
use sessionpool_core::TxError;
use sessionpool_testkit::{ScriptedError, Verb};

use crate::site::{Log, S, Site, ask, get, put, write};

/// Finds out who is calling, with the request's own unit.
struct Caller;

impl<T: Sync> FromRequestParts<T> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        let mut work = Work::<S>::from_request_parts(parts, state).await?;
        put(&mut work, "caller").await?;
        Ok(Self)
    }
}

/// Has the unit at hand as long as the handler runs.
struct Stations(Work<S>);

impl<T: Sync> FromRequestParts<T> for Stations {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Problem> {
        Ok(Self(Work::from_request_parts(parts, state).await?))
    }
}

#[tokio::test(start_paused = true)]
async fn all_extractors_of_a_request_share_one_unit() {
    let site = Site::new();
    let app = site.app(async |_: Caller, mut stations: Stations, mut work: Work<S>| {
        put(&mut stations.0, "stations").await?;
        put(&mut work, "handler").await?;
        put(&mut stations.0, "stations again").await
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["caller", "stations", "handler", "stations again"]);
    let book = site.backend.book();
    assert_eq!((book.calls(Verb::Begin), book.calls(Verb::Commit)), (1, 1));
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn two_uses_at_once_are_an_error_that_says_where() {
    let site = Site::new();
    let app = site.app(async |mut one: Work<S>, mut other: Work<S>| {
        let _used = one.session().await?;
        match other.session().await {
            Err(error @ WorkError::InUse { .. }) => Ok(error.to_string()),
            _ => Err(Problem::new(StatusCode::BAD_REQUEST, "it was lent twice")),
        }
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body.matches("sharing.rs").count(), 2, "{body}");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_before_it_is_used() {
    let site = Site::new();
    assert_eq!(ask(site.app(async |_: Work<S>, _: Stations| "hello")).await.1, "hello");
    let refused = site.app(async |work: Work<S>, _: Query<Vec<(u32, u32)>>| write(work).await);
    let request = axum::http::Request::get("/it?a=b").body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(refused, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(site.pool.status().counters.requested, 0);
    assert_eq!(site.backend.book().opened, 0);
}

#[tokio::test(start_paused = true)]
async fn holders_are_told_by_the_line_of_the_handler() {
    let site = Site::new();
    let pool = site.pool.clone();
    let app = site.app(async move |mut work: Work<S>| {
        let line = line!() + 1;
        let _session = work.session().await?;
        let site = pool.holders()[0].site;
        assert_eq!((site.file().ends_with("sharing.rs"), site.line()), (true, line));
        Ok::<_, Problem>(())
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    site.assert_nothing_lost().await;
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Write(#[from] ScriptedError),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("regretted")]
    Regretted,
}

#[tokio::test(start_paused = true)]
async fn a_savepoint_is_undone_alone() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "one").await?;
        let mut session = work.session().await?;
        let undone = session.savepoint(async |tx| {
            tx.write("two").await?;
            Err::<(), _>(Failed::Regretted)
        });
        assert!(matches!(undone.await, Err(Failed::Regretted)));
        let kept = session.savepoint(async |tx| Ok::<_, Failed>(tx.write("three").await?));
        kept.await.unwrap();
        Ok::<_, Problem>(())
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["one", "three"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_layer_is_a_500_and_the_log_says_which() {
    let log = Log::start();
    let (status, body) = ask(Router::new().route("/it", any(write))).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.contains("Layer"), "{body}");
    let errors = log.errors().join("\n");
    assert!(errors.contains("UnitLayer") && errors.contains("ScriptedSession"), "{errors}");
}

#[tokio::test(start_paused = true)]
async fn the_layer_nearest_to_the_handler_counts() {
    let (inner, outer) = (Site::new(), Site::new());
    let app = inner.app(write).layer(UnitLayer::new(outer.pool.clone()));
    assert_eq!(get(app).await.status(), StatusCode::OK);
    assert_eq!(inner.committed(), ["row"]);
    assert_eq!(outer.backend.book().opened, 0);
    inner.assert_nothing_lost().await;
}
