//! Work after the commit.

use std::time::Duration;

use axum::BoxError;
use axum::http::StatusCode;
use sessionpool_axum::{Background, Problem, Work};
use sessionpool_core::{Fault, TxOptions};
use sessionpool_testkit::{Act, Verb};

use crate::site::{Log, S, Site, ask, put};

async fn both(mut work: Work<S>) -> Result<(), Problem> {
    put(&mut work, "first").await?;
    work.after_commit(|mut work| async move { put(&mut work, "second").await })?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_begins_after_the_durable_commit_with_a_unit_of_its_own() {
    let site = Site::new();
    let background = Background::new();
    let layer = site.layer().background(&background);
    // The second commit is the background's; the response does not wait for it.
    site.backend.next(Verb::Commit, Act::succeed());
    site.backend.next(Verb::Commit, Act::take(Duration::from_secs(5)));
    assert_eq!(ask(site.app_in(&layer, both)).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["first"]);
    assert_eq!(background.running(), 1);
    assert_eq!(background.finished(Duration::from_secs(1)).await, 1, "waited too long");
    assert_eq!(background.finished(Duration::from_secs(10)).await, 0);
    assert_eq!(site.committed(), ["first", "second"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_commit_that_is_known_there_is_none() {
    for act in [Act::roll_back(), Act::fail(Fault::Conflict), Act::lose_ack()] {
        let site = Site::new();
        let background = Background::new();
        site.backend.next(Verb::Commit, act);
        let layer = site.layer().background(&background);
        assert_ne!(ask(site.app_in(&layer, both)).await.0, StatusCode::OK);
        assert_eq!(background.finished(Duration::from_secs(5)).await, 0);
        assert!(!site.committed().contains(&"second".to_owned()));
    }
    let site = Site::new();
    let app = site.app(async |work: Work<S>| {
        both(work).await.unwrap();
        StatusCode::CONFLICT
    });
    ask(app).await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_rolled_back_and_logged() {
    let log = Log::start();
    let site = Site::new();
    let background = Background::new().limit(Duration::from_secs(3));
    let layer = site.layer().background(&background);
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        work.after_commit(|mut work| async move {
            put(&mut work, "failing").await?;
            Err::<(), BoxError>("regretted".into())
        })?;
        work.after_commit(|mut work| async move {
            put(&mut work, "panicking").await?;
            assert!(work.session().await.is_err(), "a planted panic");
            Ok::<_, BoxError>(())
        })?;
        work.after_commit(|mut work| async move {
            put(&mut work, "hanging").await?;
            std::future::pending::<Result<(), BoxError>>().await
        })?;
        work.after_commit(|work| async move {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(9)).await;
                drop(work);
            });
            Ok::<_, BoxError>(())
        })?;
        Ok::<_, Problem>(())
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(background.finished(Duration::from_secs(5)).await, 0);
    let errors = log.errors().join("\n");
    for why in ["regretted", "it panicked", "it took longer than 3s", "outlived it"] {
        assert!(errors.contains(why), "{why} is not in: {errors}");
    }
    assert!(errors.contains("background.rs"), "{errors}");
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn its_unit_is_of_the_requests_kind() {
    let site = Site::new();
    let background = Background::new();
    let options = TxOptions::new().setting("app.tenant", "7");
    let layer = site.layer().background(&background).options(options);
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        work.after_commit(|mut work| async move {
            let mut session = work.session().await?;
            let tenant = session.transaction().unwrap().settings[0].1.clone();
            session.write(&tenant).await?;
            Ok::<_, BoxError>(())
        })?;
        Ok::<_, Problem>(())
    });
    assert_eq!(ask(app).await.0, StatusCode::OK);
    background.finished(Duration::from_secs(5)).await;
    assert_eq!(site.committed(), ["7"]);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn with_as_many_running_as_may_the_response_waits() {
    let site = Site::new();
    let background = Background::new().at_most(0);
    let layer = site.layer().background(&background);
    assert_eq!(ask(site.app_in(&layer, both)).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["first", "second"]);
    assert_eq!(background.running(), 0);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn its_time_limit_does_not_cut_its_commit_short() {
    let log = Log::start();
    let site = Site::new();
    let background = Background::new().limit(Duration::from_secs(3));
    site.backend.next(Verb::Commit, Act::succeed());
    site.backend.next(Verb::Commit, Act::take(Duration::from_secs(5)));
    let layer = site.layer().background(&background);
    assert_eq!(ask(site.app_in(&layer, both)).await.0, StatusCode::OK);
    assert_eq!(background.finished(Duration::from_secs(10)).await, 0);
    assert_eq!(site.committed(), ["first", "second"]);
    assert!(log.errors().is_empty(), "{}", log.text());
    site.assert_nothing_lost().await;
}
