//! A pool over a scripted backend, and an application over the pool.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::handler::Handler;
use axum::http::{Request, Response, StatusCode};
use axum::routing::any;
use sessionpool_axum::{Problem, UnitLayer, Work};
use sessionpool_core::{Pool, PoolBuilder, PoolEvents, event};
use sessionpool_testkit::{Scripted, ScriptedSession};
use tokio::sync::Notify;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

pub(crate) type S = ScriptedSession;

pub(crate) struct Site {
    pub(crate) backend: Scripted,
    pub(crate) pool: Pool<S>,
    stirred: Arc<Stirred>,
}

/// Wakes who waits for the pool to come to rest, whenever a session comes or goes.
#[derive(Default)]
struct Stirred(Notify);

impl PoolEvents for Stirred {
    fn returned(&self, _: Option<&str>, _: &event::Returned) {
        self.0.notify_one();
    }

    fn opened(&self, _: Option<&str>, _: &event::Opened) {
        self.0.notify_one();
    }

    fn open_failed(&self, _: Option<&str>, _: &event::OpenFailed) {
        self.0.notify_one();
    }

    fn cleaned(&self, _: Option<&str>, _: &event::Cleaned) {
        self.0.notify_one();
    }

    fn checked(&self, _: Option<&str>, _: &event::Checked) {
        self.0.notify_one();
    }

    fn closed(&self, _: Option<&str>, _: &event::Closed) {
        self.0.notify_one();
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::over(Scripted::new(), |builder| builder)
    }

    /// A pool of four over this backend, with further settings.
    pub(crate) fn over(
        backend: Scripted,
        set: impl FnOnce(PoolBuilder<S>) -> PoolBuilder<S>,
    ) -> Self {
        let stirred = Arc::new(Stirred::default());
        let builder = Pool::builder(backend.clone()).name("shop").max_size(4);
        let pool = set(builder).events(stirred.clone()).build().unwrap();
        Self { backend, pool, stirred }
    }

    pub(crate) fn layer(&self) -> UnitLayer<S> {
        UnitLayer::new(self.pool.clone())
    }

    /// One route `/it`, in a layer.
    pub(crate) fn app<T: 'static>(&self, handler: impl Handler<T, ()>) -> Router {
        self.app_in(&self.layer(), handler)
    }

    pub(crate) fn app_in<T: 'static>(
        &self,
        layer: &UnitLayer<S>,
        handler: impl Handler<T, ()>,
    ) -> Router {
        Router::new().route("/it", any(handler)).layer(layer.clone())
    }

    pub(crate) fn committed(&self) -> Vec<String> {
        self.backend.committed()
    }

    /// Every session is back, and every number right.
    pub(crate) async fn assert_nothing_lost(&self) {
        let at_rest = async {
            while self.pool.status().size() != self.pool.status().idle {
                self.stirred.0.notified().await;
            }
        };
        let rested = tokio::time::timeout(Duration::from_secs(10), at_rest).await;
        let status = self.pool.status();
        rested.unwrap_or_else(|_| panic!("never at rest: {status}"));
        assert!(status.is_balanced(), "{status:?}");
        let report = self.pool.close(Duration::from_secs(5)).await;
        assert!(report.still_out.is_empty(), "{report}");
        self.backend.assert_all_ended();
    }
}

/// Writes a row and answers 200.
pub(crate) async fn write(mut work: Work<S>) -> Result<(), Problem> {
    put(&mut work, "row").await
}

pub(crate) async fn put(work: &mut Work<S>, row: &str) -> Result<(), Problem> {
    let mut session = work.session().await?;
    session.write(row).await.map_err(Problem::of::<S>)
}

pub(crate) fn request() -> Request<Body> {
    Request::get("/it").body(Body::empty()).unwrap()
}

pub(crate) async fn get(app: Router) -> Response<Body> {
    app.oneshot(request()).await.unwrap()
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Sends a request; answers its status and its body.
pub(crate) async fn ask(app: Router) -> (StatusCode, String) {
    let response = get(app).await;
    (response.status(), text(response).await)
}

/// What this thread logs until it is dropped.
pub(crate) struct Log {
    text: Text,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn start() -> Self {
        let text = Text::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(text.clone())
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines logged at ERROR.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect()
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Text {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
