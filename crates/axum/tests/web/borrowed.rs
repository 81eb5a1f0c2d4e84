//! Plain leases.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use sessionpool_axum::{Borrowed, LeaseLayer, Problem, UnitLayer};
use sessionpool_core::{AcquireOptions, Pool, Session};
use sessionpool_testkit::{Act, Scripted, ScriptedError, ScriptedSession, Verb};

use crate::site::{Log, S, Site, ask};

async fn write(mut lease: Borrowed<S>) -> Result<(), Problem> {
    lease.session().await?.write("one").await.map_err(Problem::of::<S>)?;
    lease.session().await?.write("two").await.map_err(Problem::of::<S>)?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_taken_once_and_goes_back_with_the_request() {
    let site = Site::new();
    let layer = LeaseLayer::new(site.pool.clone());
    let app = Router::new().route("/it", any(write)).layer(layer.clone());
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(site.committed(), ["one", "two"]);
    assert_eq!(site.pool.status().counters.acquired, 1);
    let unused = Router::new().route("/it", any(async |_: Borrowed<S>| ())).layer(layer);
    assert_eq!(ask(unused).await.0, StatusCode::OK);
    assert_eq!(site.pool.status().counters.acquired, 1);
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_cleaned_is_told() {
    let site = Site::new();
    site.backend.next(Verb::Release, Act::hang());
    let layer = LeaseLayer::new(site.pool.clone());
    let handler = async |mut lease: Borrowed<S>| {
        lease.session().await?.set_dirty();
        Ok::<_, Problem>(lease.release().await.unwrap_err().to_string())
    };
    let (_, told) = ask(Router::new().route("/it", any(handler)).layer(layer)).await;
    assert!(told.contains("was not cleaned"), "{told}");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_acquired_for_the_class_its_layer_names() {
    let backend = Scripted::new();
    let pool = Pool::builder(backend).max_size(4).limit("report", 1).build().unwrap();
    let layer = LeaseLayer::new(pool.clone()).acquire(AcquireOptions::new().class("report"));
    let seen = pool.clone();
    let handler = async move |mut lease: Borrowed<S>| {
        let _session = lease.session().await?;
        assert_eq!(seen.classes()[0].leased, 1);
        Ok::<_, Problem>(())
    };
    assert_eq!(ask(Router::new().route("/it", any(handler)).layer(layer)).await.0, StatusCode::OK);
}

/// What a unit's layer sets up for a request, a lease would be without.
#[tokio::test(start_paused = true)]
async fn a_units_layer_lends_nothing() {
    let log = Log::start();
    let site = Site::new();
    let layer = UnitLayer::new(site.pool.clone());
    let (status, _) = ask(Router::new().route("/it", any(write)).layer(layer)).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(log.errors().join("").contains("LeaseLayer"), "{}", log.text());
    assert_eq!(site.backend.book().opened, 0);
}

/// A session without transactions can be borrowed, too.
struct Plain(ScriptedSession);

impl Session for Plain {
    type Error = ScriptedError;

    fn condition(&self) -> sessionpool_core::Condition {
        self.0.condition()
    }

    fn classify(error: &ScriptedError) -> sessionpool_core::Fault {
        ScriptedSession::classify(error)
    }

    async fn release(this: &mut Self) -> Result<(), ScriptedError> {
        ScriptedSession::release(&mut this.0).await
    }

    async fn close(this: Self) -> Result<(), ScriptedError> {
        ScriptedSession::close(this.0).await
    }

    fn abort(this: Self) {
        ScriptedSession::abort(this.0);
    }
}

struct Plainly(Scripted);

impl sessionpool_core::Backend for Plainly {
    type Session = Plain;

    async fn open(&self) -> Result<Plain, ScriptedError> {
        self.0.open().await.map(Plain)
    }

    async fn check(&self, session: &mut Plain) -> Result<(), ScriptedError> {
        self.0.check(&mut session.0).await
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_need_no_transactions_for_it() {
    let backend = Scripted::new();
    let pool = Pool::builder(Plainly(backend.clone())).build().unwrap();
    let handler = async |mut lease: Borrowed<Plain>| {
        lease.session().await?.0.write("row").await.map_err(Problem::of::<Plain>)
    };
    let app = Router::new().route("/it", any(handler)).layer(LeaseLayer::new(pool));
    assert_eq!(ask(app).await.0, StatusCode::OK);
    assert_eq!(backend.committed(), ["row"]);
}
