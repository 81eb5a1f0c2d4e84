//! How a response ends its unit.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect};
use futures_util::FutureExt;
use sessionpool_axum::{Background, Ending, Problem, Work};
use sessionpool_core::Fault;
use sessionpool_testkit::{Act, Verb};
use std::time::Duration;
use tower::ServiceExt;

use crate::site::{Log, S, Site, ask, get, put, request, write};

#[tokio::test(start_paused = true)]
async fn a_success_is_committed_before_its_head_is_sent() {
    let site = Site::new();
    site.backend.next(Verb::Commit, Act::take(Duration::from_secs(2)));
    let response = get(site.app(write)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(site.committed(), ["row"]); // though nobody has read the body
    assert_eq!(site.pool.status().idle, 1, "the session is back, too");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_redirection_commits_and_an_error_rolls_back() {
    for (status, committed) in [
        (201, true),
        (303, true),
        (304, true),
        (400, false),
        (404, false),
        (500, false),
        (799, false),
    ] {
        let site = Site::new();
        let app = site.app(async move |mut work: Work<S>| {
            put(&mut work, "row").await.unwrap();
            StatusCode::from_u16(status).unwrap()
        });
        let (answered, body) = ask(app).await;
        assert_eq!((answered.as_u16(), body.as_str()), (status, ""));
        assert_eq!(site.committed().len(), usize::from(committed), "{status}");
        assert_eq!(site.backend.book().calls(Verb::Rollback), usize::from(!committed), "{status}");
        site.assert_nothing_lost().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_rule_is_the_applications() {
    let site = Site::new();
    let layer = site.layer().rule(|response| match response.headers.contains_key("location") {
        true => Ending::RollBack,
        false => Ending::Commit,
    });
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        put(&mut work, "redirected").await.unwrap();
        Redirect::to("/")
    });
    assert_eq!(ask(app).await.0, StatusCode::SEE_OTHER);
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        put(&mut work, "not found").await.unwrap();
        (StatusCode::NOT_FOUND, Html("no"))
    });
    assert_eq!(ask(app).await, (StatusCode::NOT_FOUND, "no".to_owned()));
    assert_eq!(site.committed(), ["not found"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_did_not_happen_replaces_the_answer() {
    let cases = [
        (Act::fail(Fault::Other), 500, "urn:sessionpool:rolled-back"),
        (Act::roll_back(), 500, "urn:sessionpool:rolled-back"),
        (Act::fail(Fault::Conflict), 409, "urn:sessionpool:conflict"),
        (Act::lose_ack(), 500, "urn:sessionpool:outcome-unknown"),
        (Act::hang(), 500, "urn:sessionpool:outcome-unknown"),
        (Act::panic(), 500, "urn:sessionpool:outcome-unknown"),
    ];
    for (act, status, kind) in cases {
        let log = Log::start();
        let site = Site::new();
        site.backend.next(Verb::Commit, act.clone());
        let response =
            get(site.app(async |work: Work<S>| write(work).await.map(|()| "thanks!"))).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.status(), status, "{act:?}");
        let body: serde_json::Value =
            serde_json::from_str(&crate::site::text(response).await).unwrap();
        assert_eq!(body["type"], kind, "{act:?}");
        assert_eq!(body["status"], status, "{act:?}");
        assert_eq!(log.errors().len(), usize::from(status == 500), "{act:?}: {}", log.text());
        assert_eq!(site.pool.status().leased, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_lost_before_the_commit_is_told_as_such() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        work.session().await.unwrap().lose(Fault::BackendLost);
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(body.contains("urn:sessionpool:backend-lost"), "{body}");
    assert!(site.committed().is_empty());
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_the_handler_made_stays_whatever_it_answers() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "kept").await.unwrap();
        work.commit().await.unwrap();
        put(&mut work, "not kept").await.unwrap();
        StatusCode::IM_A_TEAPOT
    });
    assert_eq!(ask(app).await.0, StatusCode::IM_A_TEAPOT);
    assert_eq!(site.committed(), ["kept"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_the_handler_made_nothing_of_is_no_success() {
    let site = Site::new();
    site.backend.next(Verb::Commit, Act::fail(Fault::Other));
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        let _ = work.commit().await;
        "all is well"
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("urn:sessionpool:rolled-back"), "{body}");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_the_handler_made_leaves_nothing_to_commit() {
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "rehearsed").await.unwrap();
        work.rollback().await.unwrap();
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert!(site.committed().is_empty());
    assert_eq!(site.backend.book().calls(Verb::Commit), 0);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_rolls_back_and_is_a_500() {
    let log = Log::start();
    let site = Site::new();
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        let _in_use = work.session().await.unwrap();
        if site_is_on_fire() {
            panic!("on fire");
        }
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.contains("fire"), "{body}");
    assert!(site.committed().is_empty());
    assert_eq!(log.errors().len(), 1, "{}", log.text());
    site.assert_nothing_lost().await;
}

const fn site_is_on_fire() -> bool {
    true
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_has_its_unit_rolled_back() {
    let site = Site::new();
    site.backend.next(Verb::Write, Act::succeed()).next(Verb::Write, Act::hang());
    let app = site.app(async |mut work: Work<S>| {
        put(&mut work, "one").await.unwrap();
        put(&mut work, "two").await.unwrap();
    });
    let served = tokio::spawn(app.oneshot(request()));
    site.backend.called(Verb::Write, 2).await;
    served.abort();
    let _ = served.await;
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_sent_is_heard_out_though_the_client_has_gone() {
    let site = Site::new();
    let background = Background::new();
    site.backend.next(Verb::Commit, Act::take(Duration::from_secs(3)));
    let layer = site.layer().background(&background);
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        put(&mut work, "row").await?;
        work.after_commit(|mut work| async move { put(&mut work, "and then").await })?;
        Ok::<_, Problem>(())
    });
    let served = tokio::spawn(app.oneshot(request()));
    site.backend.called(Verb::Commit, 1).await;
    served.abort();
    let _ = served.await;
    assert_eq!(background.running(), 1);
    assert_eq!(background.finished(Duration::from_secs(10)).await, 0);
    assert_eq!(site.committed(), ["row", "and then"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_point_nothing_is_lost_and_nothing_is_half() {
    for polls in 0..40 {
        let site = Site::new();
        for verb in [Verb::Open, Verb::Begin, Verb::Write, Verb::Commit] {
            site.backend.always(verb, Act::yields(2));
        }
        let app = site.app(async |mut work: Work<S>| {
            put(&mut work, "one").await?;
            put(&mut work, "two").await?;
            Ok::<_, Problem>(())
        });
        let mut served = Box::pin(app.oneshot(request()));
        let mut answered = false;
        for _ in 0..polls {
            if served.as_mut().now_or_never().is_some() {
                answered = true;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(served);
        site.assert_nothing_lost().await;
        let rows = site.committed().len();
        assert!(rows == 2 || (rows == 0 && !answered), "{rows} after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_service_itself_rolls_back() {
    let site = Site::new();
    let service = tower::service_fn(|request: axum::http::Request<Body>| async move {
        let (mut parts, _) = request.into_parts();
        let work =
            <Work<S> as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &());
        put(&mut work.await.unwrap(), "row").await.unwrap();
        Err::<axum::response::Response, _>(axum::BoxError::from("broken"))
    });
    let service = tower::Layer::layer(&site.layer(), service);
    let error = service.oneshot(request()).await.unwrap_err();
    assert_eq!(error.to_string(), "broken");
    assert!(site.committed().is_empty());
    assert_eq!(site.backend.book().calls(Verb::Rollback), 1);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_panics_rolls_back_and_is_answered() {
    let log = Log::start();
    for kept in [false, true] {
        let site = Site::new();
        let layer = site.layer().rule(|_| panic!("a planted panic"));
        let app = site.app_in(&layer, async move |mut work: Work<S>| {
            put(&mut work, "row").await.unwrap();
            if kept {
                work.keep_for_body();
            }
            "thanks!"
        });
        assert_eq!(ask(app).await.0, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(site.committed().is_empty());
        site.assert_nothing_lost().await;
    }
    assert_eq!(log.errors().len(), 2, "{}", log.text());
}

/// What the handler does after it has sent a commit of its own, whose answer was lost.
#[derive(Clone, Copy, Debug)]
enum Then {
    Fails,
    MeetsAPanickingRule { kept: bool },
    Panics,
    IsOutlived,
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_committed_is_not_answered_as_rolled_back() {
    for then in [
        Then::Fails,
        Then::MeetsAPanickingRule { kept: false },
        Then::MeetsAPanickingRule { kept: true },
        Then::Panics,
        Then::IsOutlived,
    ] {
        let log = Log::start();
        let site = Site::new();
        let layer = match then {
            Then::MeetsAPanickingRule { .. } => site.layer().rule(|_| panic!("a planted panic")),
            _ => site.layer(),
        };
        let app = site.app_in(&layer, async move |mut work: Work<S>| {
            put(&mut work, "row").await.unwrap();
            work.session().await.unwrap().lose(Fault::OutcomeUnknown);
            match then {
                Then::Fails => {}
                Then::MeetsAPanickingRule { kept: false } => return "thanks!".into_response(),
                Then::MeetsAPanickingRule { kept: true } => {
                    work.keep_for_body();
                    return "thanks!".into_response();
                }
                Then::Panics => panic!("a planted panic"),
                Then::IsOutlived => {
                    tokio::spawn(async move {
                        std::future::pending::<()>().await;
                        drop(work);
                    });
                }
            }
            StatusCode::NOT_FOUND.into_response()
        });
        let (status, body) = ask(app).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{then:?}");
        assert!(body.contains("urn:sessionpool:outcome-unknown"), "{then:?}: {body}");
        assert_eq!(log.errors().len(), 1, "{then:?}: {}", log.text());
        site.assert_nothing_lost().await;
    }
}

/// The handler panics while a task of its own is at work in its unit.
#[tokio::test(start_paused = true)]
async fn what_a_task_may_yet_commit_is_not_answered_as_rolled_back() {
    let log = Log::start();
    let site = Site::new();
    let backend = site.backend.clone();
    let app = site.app(async move |mut work: Work<S>| {
        tokio::spawn(async move {
            let mut session = work.session().await.unwrap();
            session.write("row").await.unwrap();
            std::future::pending::<()>().await;
        });
        backend.called(Verb::Write, 1).await;
        if site_is_on_fire() {
            panic!("on fire");
        }
    });
    let (status, body) = ask(app).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("urn:sessionpool:outcome-unknown"), "{body}");
    assert_eq!(log.errors().len(), 1, "{}", log.text());
}
