//! What the unit of a request is like, by its head; and heads that mean harm.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};
use sessionpool_axum::{Problem, UnitLayer, Work};
use sessionpool_core::{Pool, Transactional, TxOptions};
use sessionpool_sql::{PgSession, Postgres};
use sessionpool_testkit::server;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tower::ServiceExt;

use crate::site::{S, Site, text};

/// The tenant of a request: letters, digits and hyphens. As a setting's value anything is
/// safe; this is so that nonsense is refused before a session is taken.
fn tenant(request: &request::Parts, options: TxOptions) -> Result<TxOptions, Problem> {
    let refused = || Problem::new(StatusCode::BAD_REQUEST, "a tenant is needed");
    let mut given = request.headers.get_all("x-tenant").iter();
    let (Some(tenant), None) = (given.next(), given.next()) else { return Err(refused()) };
    let tenant = tenant.to_str().map_err(|_| refused())?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match (1..=40).contains(&tenant.len()) && tenant.chars().all(is_name) {
        true => Ok(options.setting("app.tenant", tenant)),
        false => Err(refused()),
    }
}

fn request(tenants: &[HeaderValue]) -> Request<Body> {
    let mut request = Request::get("/it").body(Body::empty()).unwrap();
    for tenant in tenants {
        request.headers_mut().append("x-tenant", tenant.clone());
    }
    request
}

fn hostile() -> Vec<Vec<HeaderValue>> {
    let huge = HeaderValue::from_bytes(&vec![b'x'; 1 << 20]).unwrap();
    let not_utf8 = HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let injected = HeaderValue::from_static("a'; drop table station; --");
    let (a, b) = (HeaderValue::from_static("a"), HeaderValue::from_static("b"));
    let empty = HeaderValue::from_static("");
    // Line breaks do not even become a header.
    assert!(HeaderValue::from_bytes(b"a\r\nx-tenant: b").is_err());
    vec![vec![], vec![empty], vec![huge], vec![not_utf8], vec![injected], vec![a, b]]
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_good_tenant_takes_no_session() {
    let site = Site::new();
    let layer = site.layer().options_from(tenant);
    for headers in hostile() {
        // Not even for a handler that would go on without.
        let app = site.app_in(&layer, async |work: Result<Work<S>, Problem>| match work {
            Ok(work) => crate::site::write(work).await,
            Err(problem) => Err(problem),
        });
        let response = app.oneshot(request(&headers)).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(text(response).await.contains("a tenant is needed"));
    }
    assert_eq!(site.backend.book().opened, 0);
    let app = site.app_in(&layer, async |mut work: Work<S>| {
        let session = work.session().await?;
        Ok::<_, Problem>(session.transaction().unwrap().settings[0].1.clone())
    });
    let response = app.oneshot(request(&[HeaderValue::from_static("acme")])).await.unwrap();
    assert_eq!(text(response).await, "acme");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_goes_with_whatever_else_units_are_like() {
    let site = Site::new();
    let both = [
        site.layer().options_from(tenant).options(TxOptions::new().read_only()),
        site.layer().options(TxOptions::new().read_only()).options_from(tenant),
    ];
    for layer in both {
        let app = site.app_in(&layer, async |mut work: Work<S>| {
            let session = work.session().await?;
            let begun = session.transaction().unwrap();
            Ok::<_, Problem>(format!("{} {}", begun.settings[0].1, begun.read_only))
        });
        let response = app.oneshot(request(&[HeaderValue::from_static("acme")])).await.unwrap();
        assert_eq!(text(response).await, "acme true");
    }
    site.assert_nothing_lost().await;
}

#[derive(Clone)]
struct Token(&'static str);

async fn login(mut request: axum::extract::Request, next: Next) -> Response {
    request.extensions_mut().insert(Token("from the token"));
    next.run(request).await
}

#[tokio::test(start_paused = true)]
async fn what_middleware_found_out_is_seen() {
    let site = Site::new();
    let layer = site.layer().options_from(|request, options| match request.extensions.get() {
        Some(Token(tenant)) => Ok(options.setting("app.tenant", *tenant)),
        None => Err(Problem::new(StatusCode::UNAUTHORIZED, "who are you?")),
    });
    let handler = async |mut work: Work<S>| {
        let session = work.session().await?;
        Ok::<_, Problem>(session.transaction().unwrap().settings[0].1.clone())
    };
    let inside = Router::new().route("/it", any(handler)).layer(from_fn(login)).layer(layer);
    assert_eq!(text(inside.oneshot(request(&[])).await.unwrap()).await, "from the token");
    site.assert_nothing_lost().await;
}

async fn stations(mut work: Work<PgSession>) -> Result<String, Problem> {
    let mut session = work.session().await?;
    let names = sqlx::query_scalar("select name from station order by name");
    let names: Vec<String> =
        names.fetch_all(&mut *session).await.map_err(Problem::of::<PgSession>)?;
    Ok(names.join(" "))
}

/// Row level security by a setting that the request's own transaction has.
const SETUP: &str = "
    create role app login password 'app';
    create table station (tenant text not null, name text not null);
    insert into station values ('acme', 'a1'), ('acme', 'a2'), ('other', 'o1');
    alter table station enable row level security;
    create policy own on station using (tenant = current_setting('app.tenant'));
    grant select on station to app";

fn options(server: &server::Postgres, user: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(server.port())
        .username(user)
        .password(user)
        .database(server::Postgres::DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

fn serve<S: Transactional>(pool: &Pool<S>) -> UnitLayer<S> {
    UnitLayer::new(pool.clone()).options_from(tenant)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn tenants_see_their_own_rows_on_a_session_they_share() {
    let server = server::Postgres::start().await;
    let owner = Postgres::new(options(&server, server::Postgres::USER));
    let owner = Pool::builder(owner).max_size(1).build().unwrap();
    let mut lease = owner.acquire().await.unwrap();
    sqlx::raw_sql(SETUP).execute(&mut *lease).await.unwrap();
    drop(lease);

    let pool = Pool::builder(Postgres::new(options(&server, "app"))).max_size(1).build().unwrap();
    let app = Router::new().route("/it", get(stations)).layer(serve(&pool));
    let ask = async |headers: &[HeaderValue]| {
        let response = app.clone().oneshot(request(headers)).await.unwrap();
        (response.status().as_u16(), text(response).await)
    };
    let of = |tenant| [HeaderValue::from_static(tenant)];
    for _ in 0..3 {
        assert_eq!(ask(&of("acme")).await, (200, "a1 a2".to_owned()));
        assert_eq!(ask(&of("other")).await, (200, "o1".to_owned()));
        assert_eq!(ask(&of("nobody")).await, (200, String::new()));
        for headers in hostile() {
            assert_eq!(ask(&headers).await.0, 400);
        }
    }
    assert_eq!(pool.status().counters.opened, 1, "they did not share a session");

    // A layer that forgot to ask fails closed at the server.
    let forgetful = Router::new().route("/it", get(stations)).layer(UnitLayer::new(pool.clone()));
    let response = forgetful.oneshot(request(&of("acme"))).await.unwrap();
    assert!(response.status().is_server_error() || text(response).await.is_empty());
    pool.close(std::time::Duration::from_secs(5)).await;
    owner.close(std::time::Duration::from_secs(5)).await;
}
