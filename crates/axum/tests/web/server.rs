//! Over sockets: clients that go away or mean harm, and the end of it all.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{any, post};
use futures_util::{FutureExt, stream};
use sessionpool_axum::{Problem, Server, ShutdownReport, Work};
use sessionpool_testkit::{Act, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::site::{S, Site, put, write};

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<ShutdownReport>,
}

async fn start(server: Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(server.serve(listener, stop.clone().cancelled_owned()));
    Running { address, stop, server }
}

impl Running {
    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Sends all this, and reads until the server closes.
    async fn ask(&self, bytes: &[u8]) -> String {
        rest(self.send(bytes).await).await
    }

    async fn stop(self) -> ShutdownReport {
        self.stop.cancel();
        self.server.await.unwrap()
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await; // a reset is an end, too
    String::from_utf8_lossy(&answer).into_owned()
}

const GET: &[u8] = b"GET /it HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

fn server(site: &Site) -> Server {
    Server::new(site.app(write))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_good_order() {
    let site = Site::new();
    let (request, background) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let may_go_on = (Arc::clone(&request), Arc::clone(&background));
    let app = site.app(async move |mut work: Work<S>| {
        let (request, background) = may_go_on;
        put(&mut work, "request").await?;
        request.notified().await;
        work.after_commit(|mut work| async move {
            background.notified().await;
            put(&mut work, "background").await
        })?;
        Ok::<_, Problem>("done")
    });
    let server = Server::new(app).pools([site.pool.clone()]);
    let running = start(server).await;
    let under_way = running.send(GET).await;
    let idle = running.send(b"").await;
    site.backend.called(Verb::Write, 1).await;
    let Running { address, stop, server } = running;
    stop.cancel();
    assert_eq!(rest(idle).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "it still accepts");
    request.notify_one();
    let answer = rest(under_way).await;
    background.notify_one();
    let report = server.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
    assert_eq!(site.committed(), ["request", "background"]);
    assert!(report.is_complete(), "{report}");
    let expected =
        "0 requests cut off, 0 works unfinished; pool \"shop\": 1 closed, 0 failed, 0 still out";
    assert_eq!(report.to_string(), expected);
    site.backend.assert_all_ended();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_finish_in_time_is_cut_off_and_rolled_back() {
    let site = Site::new();
    site.backend.next(Verb::Write, Act::hang());
    let server = server(&site).pools([site.pool.clone()]);
    let running = start(server.request_limit(Duration::from_millis(50))).await;
    let under_way = running.send(GET).await;
    site.backend.called(Verb::Write, 1).await;
    let report = running.stop().await;
    assert_eq!(report.cut_off, 1, "{report}");
    assert_eq!(rest(under_way).await, "");
    assert!(report.pools[0].1.still_out.is_empty(), "{report}");
    assert!(site.committed().is_empty());
    site.backend.assert_all_ended();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_in_the_middle_has_its_unit_rolled_back() {
    let site = Site::new();
    site.backend.next(Verb::Write, Act::hang());
    let running = start(server(&site)).await;
    let client = running.send(GET).await;
    site.backend.called(Verb::Write, 1).await;
    drop(client);
    site.assert_nothing_lost().await;
    assert!(site.committed().is_empty());
    running.stop().await;
}

/// One that writes, and keeps its unit for what it answers.
fn keeping(site: &Site, status: StatusCode) -> Server {
    Server::new(site.app(async move |mut work: Work<S>| {
        put(&mut work, "row").await.unwrap();
        work.keep_for_body();
        let held = async move { drop(work) };
        let body = stream::once(held.map(|()| Ok::<_, Infallible>("part")));
        (status, Body::from_stream(body))
    }))
}

/// A server drops the body of such an answer without reading it.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_unit_is_committed_where_no_body_is_sent() {
    const HEAD: &[u8] = b"HEAD /it HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for (request, status) in [(GET, StatusCode::NO_CONTENT), (HEAD, StatusCode::OK)] {
        let site = Site::new();
        let running = start(keeping(&site, status)).await;
        let answer = running.ask(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {}", status.as_u16())), "{answer}");
        assert_eq!(site.committed(), ["row"], "{answer}");
        running.stop().await;
        site.assert_nothing_lost().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_wire_a_kept_body_ends_well_after_its_commit_alone() {
    for (act, ends_well) in [(Act::succeed(), true), (Act::roll_back(), false)] {
        let site = Site::new();
        site.backend.next(Verb::Commit, act);
        let running = start(keeping(&site, StatusCode::OK)).await;
        let answer = running.ask(GET).await;
        assert!(answer.contains("part"), "{answer}");
        assert_eq!(answer.ends_with("0\r\n\r\n"), ends_well, "{answer}");
        running.stop().await;
        site.assert_nothing_lost().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_takes_no_session() {
    let site = Site::new();
    let handler = async |work: Work<S>, _: Bytes| write(work).await;
    let app = Router::new().route("/it", post(handler)).layer(site.layer());
    let running = start(Server::new(app).request_limit(Duration::from_millis(50))).await;

    let head = b"POST /it HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let (mut reading, mut writing) = running.send(head).await.into_split();
    let flood = tokio::spawn(async move {
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x1_0000], b"\r\n"].concat();
        while writing.write_all(&chunk).await.is_ok() {}
    });
    let mut answer = [0; 12];
    reading.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    drop(reading);

    let head = b"POST /it HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n";
    let mut trickle = running.send(head).await;
    let mut asked_for_more = [0; 25];
    trickle.read_exact(&mut asked_for_more).await.unwrap();
    assert_eq!(&asked_for_more, b"HTTP/1.1 100 Continue\r\n\r\n");
    trickle.write_all(b"1\r\nx\r\n").await.unwrap();
    let report = running.stop().await;
    assert_eq!(report.cut_off, 1, "{report}");
    assert_eq!(rest(trickle).await, "");
    flood.await.unwrap();
    assert_eq!(site.backend.book().opened, 0);
    assert_eq!(site.pool.status().counters.requested, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_mean_harm_take_no_session() {
    let site = Site::new();
    let running = start(server(&site).head_limit(Duration::from_millis(50))).await;
    let huge = format!("GET /it HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    for head in [
        huge.as_bytes(),
        b"GET /it HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n",
        b"GET /it\r\nx: b HTTP/1.1\r\n\r\n",
        b"\xff\xfe\xfd\r\n\r\n",
        b"GET /it HTTP/1.1\r\nhost: x\r\nx: never-ending", // until the limit
    ] {
        let answer = running.ask(head).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{answer}");
    }
    assert_eq!(site.backend.book().opened, 0);
    assert!(running.ask(GET).await.starts_with("HTTP/1.1 200"));
    running.stop().await;
    site.assert_nothing_lost().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_kept_and_not_used_is_closed() {
    let site = Site::new();
    let running = start(server(&site).head_limit(Duration::from_millis(50))).await;
    let answer = running.ask(b"GET /it HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_it_has_places_for_wait_their_turn() {
    let site = Site::new();
    let running = start(server(&site).max_connections(1)).await;
    site.backend.next(Verb::Write, Act::hang());
    let first = running.send(GET).await;
    site.backend.called(Verb::Write, 1).await;
    let second = running.send(GET).await;
    let answered = tokio::time::timeout(Duration::from_millis(100), second.readable()).await;
    assert!(answered.is_err(), "it was served beside the first");
    assert_eq!(site.backend.book().opened, 1);
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 200"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_know_the_peer() {
    let handler = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
    let running = start(Server::new(Router::new().route("/it", any(handler)))).await;
    assert!(running.ask(GET).await.ends_with("127.0.0.1"));
    assert!(running.stop().await.is_complete());
}
