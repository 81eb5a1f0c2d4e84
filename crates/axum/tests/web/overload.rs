//! Far more requests than sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use sessionpool_axum::{Problem, Server, Work};
use sessionpool_testkit::{Act, Scripted, Verb};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::site::{S, Site, put, request};

const REQUESTS: usize = 10_000;
const WAITERS: usize = 100;

/// A pool of four with a short queue, whose sessions take their time; and how long the
/// queue was at most, as seen by those who were let in.
fn site() -> (Site, Router, Arc<AtomicUsize>) {
    let backend = Scripted::new().at_most(4);
    backend.always(Verb::Write, Act::take(Duration::from_millis(5)));
    let site = Site::over(backend, |builder| builder.max_waiters(WAITERS));
    let longest = Arc::new(AtomicUsize::new(0));
    let (seen, watched) = (Arc::clone(&longest), site.pool.clone());
    let handler = async move |mut work: Work<S>| {
        let written = put(&mut work, "row").await;
        let status = watched.status();
        assert!(status.size() <= 4, "{status}");
        seen.fetch_max(status.waiters, Ordering::Relaxed);
        written?;
        Ok::<_, Problem>(StatusCode::CREATED)
    };
    let app = site.app(handler);
    (site, app, longest)
}

/// True for one that was served, false for one told to come again; nothing else will do.
fn judge<B>(response: &Response<B>) -> bool {
    if response.status() == StatusCode::CREATED {
        return true;
    }
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{after}");
    false
}

async fn assert_all_is_well(site: &Site, served: usize, longest: &AtomicUsize) {
    assert!(served >= WAITERS, "only {served} were served"); // all who found a place in the queue
    assert_eq!(site.committed().len(), served, "served and committed differ");
    // What a request costs while it waits is bounded: no more than these wait.
    assert!(longest.load(Ordering::Relaxed) <= WAITERS);
    let status = site.pool.status();
    assert_eq!(status.counters.requested, REQUESTS as u64);
    assert_eq!(status.counters.queue_full, (REQUESTS - served) as u64);
    assert_eq!((status.idle, status.waiters), (status.size(), 0), "{status}");
    site.assert_nothing_lost().await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_at_once_on_a_pool_of_four_are_all_answered_and_nothing_is_lost() {
    let (site, app, longest) = site();
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        requests.spawn(app.clone().oneshot(request()));
    }
    let mut served = 0;
    while let Some(response) = requests.join_next().await {
        served += usize::from(judge(&response.unwrap().unwrap()));
    }
    assert!(served < REQUESTS / 10, "{served} were served: it was no overload");
    // Seen by those four for whom the first in the queue made room.
    assert!(longest.load(Ordering::Relaxed) >= WAITERS - 4, "the queue was never full");
    assert_all_is_well(&site, served, &longest).await;
}

const CONNECTIONS: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_over_sockets_are_all_answered_and_nothing_is_lost() {
    let (site, app, longest) = site();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let server = tokio::spawn(Server::new(app).serve(listener, stop.clone().cancelled_owned()));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            let driven = tokio::spawn(connection);
            let served = one_after_the_other(sender).await;
            driven.abort();
            served
        });
    }
    let mut served = 0;
    while let Some(of_client) = clients.join_next().await {
        served += of_client.unwrap();
    }
    assert_all_is_well(&site, served, &longest).await;
    stop.cancel();
    assert!(server.await.unwrap().is_complete());
}

async fn one_after_the_other(mut sender: SendRequest<Body>) -> usize {
    let mut served = 0;
    for _ in 0..REQUESTS / CONNECTIONS {
        let request = Request::get("/it").header("host", "x").body(Body::empty()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        served += usize::from(judge(&response));
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    }
    served
}
