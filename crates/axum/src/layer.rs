use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, request, response};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use sessionpool_core::{Pool, Transactional, TxOptions};
use tower::{Layer, Service};

use crate::config::Config;
use crate::ending::Asked;
use crate::slot::{Owner, Slot};
use crate::work::Carried;
use crate::{Background, Ending, Problem};

/// Gives each request a unit of work, [`Work`](crate::Work), and ends it.
///
/// ```
/// # use sessionpool_testkit::{Scripted, ScriptedSession as PgSession};
/// # use axum::{Router, routing::post};
/// # use sessionpool_core::Pool;
/// use sessionpool_axum::{Problem, UnitLayer, Work};
///
/// # async fn sign_up(work: Work<PgSession>) -> Result<(), Problem> { Ok(()) }
/// # fn app(pool: Pool<PgSession>) -> Router {
/// Router::new().route("/users", post(sign_up)).layer(UnitLayer::new(pool))
/// # }
/// ```
///
/// # When
///
/// | the handler | the unit | the client |
/// |---|---|---|
/// | answers below 400 | is committed, *before* the head is sent | gets that answer |
/// | … and the commit fails, or nobody can tell | is rolled back, or nobody can tell | gets a [`Problem`] in place of it, which says which |
/// | answers from 400 on | is rolled back | gets that answer |
/// | panics | is rolled back | gets a 500 |
/// | lets its [`Work`](crate::Work) outlive it | is rolled back | gets a 500 |
/// | is dropped, because the client has gone | is rolled back in the background | |
///
/// A commit that was sent is heard out when the client goes away meanwhile, and
/// [`after_commit`](crate::Work::after_commit) takes place. Which answers commit is a
/// [`rule`](Self::rule). A unit that was never used costs no round trip, and no session.
///
/// Layers nest: what lies nearest to the handler gives it its unit. Layers that answer
/// for the handler or change its answer (time-outs, caught panics) belong inside, added
/// before this one, so that it goes by what is sent.
///
/// One request has one unit for each type of session. Two pools of the same type of
/// session serve different routes.
pub struct UnitLayer<S: Transactional> {
    config: Arc<Config<S>>,
}

impl<S: Transactional> UnitLayer<S> {
    /// Units of this pool, with the defaults below.
    #[must_use]
    pub fn new(pool: Pool<S>) -> Self {
        let config = Config {
            pool,
            options: TxOptions::new(),
            options_from: None,
            rule: Arc::new(Ending::by_status),
            given: None,
            own: Background::new(),
            body_limit: Duration::from_secs(60),
        };
        Self { config: Arc::new(config) }
    }

    /// What the units are like: their class, their isolation. Default: the pool's own.
    #[must_use]
    pub fn options(mut self, options: TxOptions) -> Self {
        Arc::make_mut(&mut self.config).options = options;
        self
    }

    /// What the unit of a request is like, by its head: the tenant it is for. It starts
    /// from the [`options`](Self::options) and answers what becomes of them.
    ///
    /// It is asked when a [`Work`](crate::Work) is first extracted, so it sees what
    /// middleware and extractors before that have put into the extensions. What it
    /// refuses is answered with its [`Problem`], and no session is taken. A unit for
    /// which the remote end refuses a setting does not begin.
    ///
    /// ```
    /// # use axum::http::StatusCode;
    /// # use sessionpool_core::{Pool, Transactional};
    /// # use sessionpool_axum::{Problem, UnitLayer};
    /// # fn layer<S: Transactional>(pool: Pool<S>) -> UnitLayer<S> {
    /// UnitLayer::new(pool).options_from(|request, options| {
    ///     let tenant = request.headers.get("x-tenant").and_then(|tenant| tenant.to_str().ok());
    ///     match tenant.map(str::parse::<u32>) {
    ///         Some(Ok(tenant)) => Ok(options.setting("app.tenant", tenant.to_string())),
    ///         _ => Err(Problem::new(StatusCode::BAD_REQUEST, "a tenant is needed")),
    ///     }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn options_from(
        mut self,
        options: impl Fn(&request::Parts, TxOptions) -> Result<TxOptions, Problem>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.config).options_from = Some(Arc::new(options));
        self
    }

    /// Which responses commit. Default: [`Ending::by_status`].
    ///
    /// It is asked for requests alone whose unit was extracted, and not to be relied upon
    /// for anything else.
    #[must_use]
    pub fn rule(
        mut self,
        rule: impl Fn(&response::Parts) -> Ending + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.config).rule = Arc::new(rule);
        self
    }

    /// Where work goes on in the background. Default: where the
    /// [`Server`](crate::Server) says that the request came through, who waits for it;
    /// without one, in a background of this layer's own.
    #[must_use]
    pub fn background(mut self, background: &Background) -> Self {
        Arc::make_mut(&mut self.config).given = Some(background.clone());
        self
    }

    /// How long a response's body may [keep](crate::Work::keep_for_body) its session.
    /// Default: 60 s.
    #[must_use]
    pub fn body_limit(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.config).body_limit = limit;
        self
    }
}

impl<S: Transactional> Clone for UnitLayer<S> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config) }
    }
}

impl<S: Transactional> fmt::Debug for UnitLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitLayer").field("pool", &self.config.pool).finish_non_exhaustive()
    }
}

impl<S: Transactional, V> Layer<V> for UnitLayer<S> {
    type Service = UnitService<S, V>;

    fn layer(&self, inner: V) -> UnitService<S, V> {
        UnitService { config: Arc::clone(&self.config), inner }
    }
}

/// A service whose requests have a unit of work: what [`UnitLayer`] makes.
pub struct UnitService<S: Transactional, V> {
    config: Arc<Config<S>>,
    inner: V,
}

impl<S, V, B> Service<Request<B>> for UnitService<S, V>
where
    S: Transactional,
    V: Service<Request<B>, Response: IntoResponse, Error: Send, Future: Send + 'static>,
{
    type Response = Response;
    type Error = V::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, V::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), V::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let background = self.config.background(request.extensions());
        let slot = Slot::new(&self.config, background);
        let asked = Asked::by(&request);
        request.extensions_mut().insert(Carried(Arc::clone(&slot)));
        let owner = Owner::new(slot);
        let handling = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Box::pin(async move {
            let handled = match handling {
                Ok(handling) => AssertUnwindSafe(handling).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            match handled.map(|answer| answer.map(V::Response::into_response)) {
                Ok(Ok(response)) => Ok(owner.end(asked, response).await),
                Ok(Err(error)) => {
                    owner.roll_back().await;
                    Err(error)
                }
                Err(_) => Ok(owner.panicked().await),
            }
        })
    }
}

impl<S: Transactional, V: Clone> Clone for UnitService<S, V> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config), inner: self.inner.clone() }
    }
}

impl<S: Transactional, V> fmt::Debug for UnitService<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitService").field("inner", &type_name::<V>()).finish_non_exhaustive()
    }
}
