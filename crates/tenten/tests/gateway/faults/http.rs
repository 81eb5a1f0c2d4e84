//! What HTTP, TLS and whoever sits in between can do to a request.

use std::time::Duration;

use sessionpool_core::{Condition, Fault as Class, Session};
use sessionpool_emulator::Fault;
use sessionpool_tenten::{
    ConfigError, Error, Flaw, LoginType, Phase, Query, Tenten, TentenSession, XmlLimits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{answer, everything, fetch, flaw, log_in, session};
use crate::common::{NUMBERS, PASSWORD, USER, group, soon, start, user};

#[tokio::test]
async fn g18_an_http_error_is_a_status_not_a_parse_error() {
    for status in [500, 502, 503, 504] {
        let (_, session, error) = fetch(Fault::on("querydata").status(status)).await;
        let Error::Http { status: found, excerpt, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*found, error.is_retryable()), (status, true));
        assert!(excerpt.contains(&status.to_string()), "{excerpt}");
        assert_eq!(session.condition(), Condition::Busy, "whether it took effect is unknown");
    }
    let (_, _, error) = fetch(Fault::on("querydata").status(503).header("retry-after", "7")).await;
    let class = TentenSession::classify(&error);
    assert_eq!(class, Class::Busy { retry_after: Some(Duration::from_secs(7)) });
    let (_, _, error) =
        fetch(Fault::on("querydata").status(503).header("retry-after", "999999")).await;
    let class = TentenSession::classify(&error);
    assert_eq!(class, Class::Busy { retry_after: Some(Duration::from_secs(3600)) });
}

#[tokio::test]
async fn g19_too_many_requests_may_be_asked_later() {
    let (_, _, error) = fetch(Fault::on("querydata").status(429).header("retry-after", "2")).await;
    assert!(error.is_retryable() && !error.is_auth(), "{error}");
    let class = TentenSession::classify(&error);
    assert_eq!(class, Class::Busy { retry_after: Some(Duration::from_secs(2)) });
}

#[tokio::test]
async fn g20_a_refusing_proxy_is_a_rejection() {
    for status in [401, 403, 407] {
        let (_, _, error) = fetch(Fault::on("querydata").status(status)).await;
        assert!(error.is_auth() && !error.is_retryable(), "{error}");
        assert_eq!(TentenSession::classify(&error), Class::Rejected);
    }
}

#[tokio::test]
async fn g30_an_endless_answer_is_cut_at_the_limit() {
    let emulator = start(1).await;
    let limits = XmlLimits::default().max_bytes(1 << 20);
    let tenten = user(&emulator, LoginType::Kill).xml_limits(limits).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    for fault in [
        Fault::on("query").endless("<tr><td>more</td></tr>"),
        Fault::on("query").body("x".repeat(2 << 20)),
    ] {
        emulator.fault(fault);
        let error = Query::new(NUMBERS, "").run(&mut session).await.expect_err("no end");
        assert!(matches!(flaw(&error), Flaw::TooLong { limit: 1_048_576, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn g31_a_packed_answer_is_not_unpacked() {
    let packed =
        Fault::on("querydata").body(b"\x1f\x8b\x08".as_slice()).header("content-encoding", "gzip");
    let (_, _, error) = fetch(packed).await;
    assert!(matches!(flaw(&error), Flaw::Unexpected(_)), "{error:?}");
}

#[tokio::test]
async fn g32_http_that_is_none_is_a_broken_connection() {
    let flood = format!("HTTP/1.1 200 OK\r\n{}\r\n<out/>", "x: y\r\n".repeat(10_000));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n<out/>", "y".repeat(1 << 20));
    let chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n<out/>\r\n0\r\n\r\n".to_owned();
    let old = "<out><rc>0</rc></out>".to_owned();
    for raw in [flood, long, chunks, old] {
        // Twice, since what is not answered at all is read again.
        let (_, session, error) = fetch(Fault::on("querydata").raw(raw).times(2)).await;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert_eq!(session.condition(), Condition::Busy);
    }
    // Bytes behind an answer belong to nobody, and the next request goes its own way.
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let body = answer("<rc>17</rc><msg>no</msg>");
    let extra = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}{body}", body.len());
    emulator.fault(Fault::on("query").raw(extra));
    Query::new(NUMBERS, "").run(&mut session).await.expect_err("code 17");
    Query::new(NUMBERS, "").run(&mut session).await.expect("its own answer");
}

#[tokio::test]
async fn g33_a_redirection_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let address = elsewhere.local_addr().expect("bound");
    for status in [301, 302, 303, 307, 308] {
        let target = format!("http://{address}/gw?pswd=stolen");
        let (_, error) =
            log_in(Fault::on("login").status(status).header("location", &target)).await;
        let Error::Redirect { host, .. } = &error else { panic!("{error:?}") };
        assert_eq!(host, "127.0.0.1");
        assert!(!everything(&error).contains("stolen"), "{error:?}");
        assert_eq!(TentenSession::classify(&error), Class::Rejected);
    }
    let hit = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
    assert!(hit.is_err(), "somebody went there");
}

#[tokio::test]
async fn g34_there_is_no_way_round_tls_unless_it_is_asked_for() {
    let builder = || Tenten::builder("http://127.0.0.1:1/gw").user(USER).password(PASSWORD);
    let error = builder().login_type(LoginType::Kill).build().expect_err("in the clear");
    assert!(matches!(error, ConfigError::Gateway { .. }), "{error}");
    builder().insecure().login_type(LoginType::Kill).build().expect("asked for by name");

    // A gateway that does not speak TLS.
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let address = plain.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.expect("a client");
        let mut bytes = vec![0; 4096];
        let read = stream.read(&mut bytes).await.expect("readable");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("writable");
        bytes.truncate(read);
        bytes
    });
    let builder = Tenten::builder(format!("https://{address}/gw")).user(USER).password(PASSWORD);
    let tenten = builder.login_type(LoginType::Kill).build().expect("valid");
    let error = soon("an answer", tenten.connect()).await.expect_err("no TLS");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let sent = String::from_utf8_lossy(&server.await.expect("no panic")).into_owned();
    assert!(!sent.contains("pswd"), "nothing is sent in the clear");
}

#[tokio::test]
async fn g35_reads_survive_a_connection_closed_under_them() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(10);
    query.run(&mut session).await.expect("runs");
    for (round, fault) in
        [Fault::on("querydata").lose_reply(), Fault::on("querydata").lose_request()]
            .into_iter()
            .enumerate()
    {
        emulator.fault(fault);
        let row = round as u64 * 100;
        query.row(&mut session, row).await.expect("read again").expect("there");
    }
    // What may have taken effect is not: a getuid is sent once.
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(Fault::on("getuid").lose_request());
    tenten.connect().await.expect_err("unknown");
    assert_eq!(tenten.sam_report().in_doubt.len(), 1);
}

#[tokio::test]
async fn g36_every_way_to_be_slow_has_its_limit() {
    let short = Duration::from_millis(80);
    let phase = async |make: fn(
        sessionpool_tenten::TentenBuilder,
        Duration,
    ) -> sessionpool_tenten::TentenBuilder,
                       fault: Fault| {
        let emulator = start(1).await;
        let tenten = make(user(&emulator, LoginType::Kill), short).build().expect("valid");
        let mut session = tenten.connect().await.expect("opens");
        emulator.fault(fault);
        let mut query = Query::new(NUMBERS, "");
        let error = soon("an answer", query.row(&mut session, 0)).await.expect_err("slow");
        let Error::TimedOut(timed_out) = &error else { panic!("{error:?}") };
        assert!(error.is_retryable());
        assert_eq!(session.condition(), Condition::Broken(Class::SessionLost));
        timed_out.phase
    };
    let slow = Duration::from_secs(3600);
    let drip = || Fault::on("querydata").drip(10, Duration::from_millis(30));
    let first =
        |b: sessionpool_tenten::TentenBuilder, t| b.connect_timeout(t).first_byte_timeout(t);
    assert_eq!(phase(first, Fault::on("querydata").delay(slow)).await, Phase::FirstByte);
    let pause = Fault::on("querydata").drip(10, slow);
    assert_eq!(phase(|b, t| b.idle_read_timeout(t), pause).await, Phase::Reading);
    assert_eq!(phase(|b, t| b.total_timeout(2 * t), drip()).await, Phase::Total);

    let deaf = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let builder =
        Tenten::builder(format!("http://{}/gw", deaf.local_addr().expect("bound"))).insecure();
    let builder = builder.user(USER).password(PASSWORD).login_type(LoginType::Kill);
    let tenten = builder.lifecycle_timeout(short).build().expect("valid");
    let error = soon("an answer", tenten.connect()).await.expect_err("nobody listens");
    assert!(matches!(error, Error::TimedOut(_)), "{error:?}");
    drop(deaf);
}

#[tokio::test]
async fn g38_a_sign_in_page_is_no_gateway() {
    for page in ["<!DOCTYPE html><html><body>Sign in</body></html>", " \n<HTML>", "<signin/>"] {
        let (_, error) = log_in(Fault::on("login").body(page)).await;
        assert!(matches!(error, Error::NotGateway { .. }), "{error:?}");
        assert_eq!(TentenSession::classify(&error), Class::Rejected);
    }
}

#[tokio::test]
async fn a_page_that_quotes_the_request_gives_nothing_away() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let quoted = "Canary%267%20p%C3%A4ssword";
    let escaped = PASSWORD.replace('&', "&amp;");
    for page in [
        format!("<p>GET /gw?pswd={quoted}&x={PASSWORD} not found</p>"),
        format!("<p>no {PASSWORD} here</p>"),
        format!("<p>no {escaped} here</p>"),
        format!("{}{PASSWORD}", "x ".repeat(95)),
    ] {
        emulator.fault(Fault::on("login").status_with(404, page));
        let error = tenten.connect().await.expect_err("404");
        assert!(!everything(&error).contains("Canary"), "{error:?}");
    }
    for body in [format!("<out><{escaped}></out>"), format!("<out></{escaped}></out>")] {
        emulator.fault(Fault::on("login").body(body).times(2));
        let error = tenten.connect().await.expect_err("damaged");
        assert!(!everything(&error).contains("Canary"), "{error:?}");
    }
    emulator.fault(Fault::on("login").rc(1, &format!("bad password {PASSWORD}")));
    let error = tenten.connect().await.expect_err("refused");
    assert!(
        !everything(&error).contains("Canary") && error.to_string().contains("***"),
        "{error:?}"
    );
}

#[tokio::test]
async fn nobody_there_is_told_as_not_sent() {
    let builder = Tenten::builder("http://127.0.0.1:1/gw").insecure().user(USER);
    let builder = builder.password(PASSWORD).login_type(LoginType::Possess);
    let error = builder.build().expect("valid").connect().await.expect_err("nobody there");
    assert!(matches!(error, Error::Connect { .. }) && error.is_retryable(), "{error:?}");
    assert_eq!(TentenSession::classify(&error), Class::Transient);
    assert!(!everything(&error).contains("Canary"), "{error:?}");
}
