//! A page with the state of every pool.

mod page;
mod view;

use std::str::FromStr;
use std::sync::Arc;

use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::header::{HeaderMap, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use headers_accept::Accept;
use mediatype::MediaType;
use mediatype::names::{APPLICATION, HTML, JSON, TEXT};
use sessionpool_core::AnyPool;

use self::view::View;

/// Shows every pool's state: for people as a page with tables, for programs as JSON.
///
/// A browser, and whoever else asks for `text/html` rather than for `application/json`,
/// gets the page; everybody else gets JSON. Each pool is shown with its status and
/// counters, its classes, the last opening that failed, its settings, and the hundred who
/// have held a session the longest, with the places in the source that acquired them.
///
/// ```text
/// { "pools": [{
///     "name": "shop",
///     "status": { "summary": "2 of 3 sessions (leased 2), 0 waiting", "max_size": 3, "leased": 2,
///                 "idle": 0, "waiters": 0, "oldest_waiter_s": null, "paused": false,
///                 "closed": false, "generation": 0, … },
///     "last_failure": { "fault": "rejected", "age_s": 3.0, "streak": 1 },
///     "classes": [{ "name": "report", "leased": 1, "waiters": 0, "limit": 2, "timeout_s": 7.0 }],
///     "holders": [{ "session": 1, "held_s": 92.4, "site": "src/report.rs:88:20",
///                   "class": "report", "task": "17" }, … ],
///     "holders_not_shown": 0,
///     "counters": { "acquired": 2, … },
///     "closed_by_reason": { "expired": 0, … },
///     "settings": { "acquire_timeout_s": 30.0, "max_lifetime_s": null, … }
/// }] }
/// ```
///
/// Times are in seconds. Nothing is asked of any remote end, and no session is taken: the
/// page is there when nothing else is.
///
/// # Who may see it
///
/// That is up to the application: put its own authorization in front.
///
/// ```
/// use axum::Router;
/// use axum::extract::Request;
/// use axum::http::{StatusCode, header::AUTHORIZATION};
/// use axum::middleware::{Next, from_fn};
/// use axum::response::Response;
/// use sessionpool_core::{AnyPool, Pool};
///
/// /// Whatever lets the application's operators in, and nobody else.
/// async fn operators(request: Request, next: Next) -> Result<Response, StatusCode> {
///     let is_one = request.headers().get(AUTHORIZATION).is_some_and(|token| {
/// #       let the_right_one = |token: &[u8]| token == b"Bearer 3f1c";
///         the_right_one(token.as_bytes())
///     });
///     if is_one { Ok(next.run(request).await) } else { Err(StatusCode::UNAUTHORIZED) }
/// }
///
/// # let (shop, gateway) = (sessionpool_testkit::Scripted::new(), sessionpool_testkit::Scripted::new());
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let shop = Pool::builder(shop).name("shop").build()?;
/// let reports = Pool::builder(gateway).name("reports").build()?;
/// let pools = [AnyPool::from(shop), AnyPool::from(reports)];
/// let app: Router = Router::new()
///     .route("/status", sessionpool_axum::status(pools).layer(from_fn(operators)));
/// # drop(app);
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Secrets
///
/// A backend's configuration is not looked at. Of a failure it is told what kind it was
/// ([`Fault`](sessionpool_core::Fault)), how long ago, and how many there were in a row; not its
/// text: what a driver or a remote end puts into an error is theirs, and may be an address
/// with a password in it. The text is in the log, for who has core's `event::Traced` listen.
/// The names of pools and of classes are shown as they are, everything escaped.
///
/// The answer may not be stored by caches and runs no script.
///
/// # Pools that are closed
///
/// What this returns has a handle to each pool, so that none closes by itself as long as
/// the application serves it: [`AnyPool::close`] does.
pub fn status<S>(pools: impl IntoIterator<Item = impl Into<AnyPool>>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let pools: Arc<[AnyPool]> = pools.into_iter().map(Into::into).collect();
    get(async move |headers: HeaderMap| answer(&View::of(&pools), &headers))
}

fn answer(view: &View, headers: &HeaderMap) -> Response {
    let (content_type, body) = if prefers_html(headers) {
        ("text/html; charset=utf-8", page::render(view))
    } else {
        ("application/json", view.to_json())
    };
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, page::POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept"),
    ];
    (headers, body).into_response()
}

/// What can be had, the first where it does not matter.
const AVAILABLE: [MediaType<'_>; 2] =
    [MediaType::new(APPLICATION, JSON), MediaType::new(TEXT, HTML)];

/// Whoever asks for what cannot be had, or for nothing that makes sense, gets JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    let asked: Vec<_> = headers.get_all(ACCEPT).iter().flat_map(|it| it.to_str().ok()).collect();
    let accept = Accept::from_str(&asked.join(","));
    accept.is_ok_and(|accept| accept.negotiate(&AVAILABLE) == Some(&AVAILABLE[1]))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn people_get_a_page_and_programs_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, html) in [
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("text/html", true),
            (browser, true),
            ("text/*", true),
            ("application/json, text/html;q=0.9", false),
            ("application/json;q=0.1, text/html", true),
            ("text/html;q=0, */*", false),
            ("image/png", false),
            ("/;;q=text", false),
        ] {
            let value = HeaderValue::from_static(accept);
            let headers = HeaderMap::from_iter([(ACCEPT, value)]);
            assert_eq!(prefers_html(&headers), html, "{accept:?}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
        let garbage = HeaderValue::from_bytes(b"text/html\xff").unwrap();
        assert!(!prefers_html(&HeaderMap::from_iter([(ACCEPT, garbage)])));
    }
}
