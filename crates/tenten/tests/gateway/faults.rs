//! What can go wrong at a gateway and on the way to it, each with the class it must have.
//!
//! | fault | proved by |
//! |---|---|
//! | crash between `getuid` and the journal; the journal damaged, full, shared | `journal` |
//! | answers to `getuid`, `login`, `reluid` lost; `reluid` refused; an ID handed out twice | `sam` |
//! | `logout` before `reluid` | `closing` |
//! | a session that others take part in | `query` |
//! | everything else | here |

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::Duration;

use sessionpool_core::{Condition, Fault as Class, Pool, Session};
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{
    ConfigError, Error, Flaw, LoginType, Phase, Query, Tenten, TentenSession, XmlLimits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::{NUMBERS, PASSWORD, USER, all_free, gateway, group, live, soon, start, user};

async fn session(emulator: &Emulator) -> TentenSession {
    user(emulator, LoginType::Kill).build().expect("valid").connect().await.expect("opens")
}

/// What fetching a row comes to under that fault.
async fn fetch(fault: Fault) -> (Emulator, TentenSession, Error) {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(10);
    query.run(&mut session).await.expect("runs");
    emulator.fault(fault);
    let error = soon("an answer", query.row(&mut session, 0)).await.expect_err("a fault");
    (emulator, session, error)
}

/// What logging in comes to under that fault; with the group, so that an ID is at stake.
async fn log_in(fault: Fault) -> (Emulator, Error) {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(fault);
    let error = soon("an answer", tenten.connect()).await.expect_err("a fault");
    assert!(!everything(&error).contains(PASSWORD), "{error:?}");
    all_free(&emulator).await;
    (emulator, error)
}

/// All that an error says, to people and to programmers, and what it says of its causes.
fn everything(error: &Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    said
}

fn answer(inside: &str) -> String {
    format!("<out>{inside}</out>")
}

/// A table of one column with these rows.
fn column(rows: &str) -> String {
    let heads =
        ["n", "square", "half", "name"].map(|name| format!("<th name=\"{name}\" type=\"i\"/>"));
    let heads = heads.concat();
    answer(&format!(
        "<rc>0</rc><nrows>1000</nrows><table><cols>{heads}</cols><data>{rows}</data></table>"
    ))
}

fn rows(count: usize) -> String {
    "<tr><td>1</td><td>2</td><td>3</td><td>4</td></tr>".repeat(count)
}

fn flaw(error: &Error) -> &Flaw {
    match error {
        Error::Malformed { source, .. } => &source.flaw,
        error => panic!("not taken for damaged: {error:?}"),
    }
}

#[tokio::test]
async fn g1_a_rejected_login_is_rejected_for_good() {
    for rc in [3, 4] {
        let (_, error) = log_in(Fault::on("login").rc(rc, "Invalid user identification")).await;
        assert!(matches!(error, Error::Auth(_)) && error.is_auth() && !error.is_retryable());
        assert_eq!(TentenSession::classify(&error), Class::Rejected);
    }
}

#[tokio::test]
async fn g2_a_locked_account_is_rejected_with_the_gateways_words() {
    let (_, error) = log_in(Fault::on("login").rc(4, "Password expired")).await;
    assert!(error.is_auth() && error.to_string().ends_with("Password expired"), "{error}");
}

#[tokio::test]
async fn g3_an_address_that_is_not_allowed_is_rejected() {
    let (_, error) = log_in(Fault::on("login").rc(39, "not at an authorized IP address")).await;
    assert!(error.is_auth(), "{error}");
}

#[tokio::test]
async fn g4_a_session_that_is_there_already_is_told() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    TentenSession::close(tenten.connect().await.expect("opens")).await.expect("left warm");
    let careful = group(&emulator).login_type(LoginType::NoKill).build().expect("valid");
    let error = careful.connect().await.expect_err("it is warm");
    assert!(matches!(error, Error::SessionConflict(_)), "{error}");
    all_free(&emulator).await;
}

#[tokio::test]
async fn g5_a_login_type_must_be_chosen() {
    let builder = Tenten::builder("https://www2.1010data.com/cgi-bin/gw").user(USER);
    let error = builder.password(PASSWORD).build().expect_err("no default");
    assert!(matches!(error, ConfigError::Missing { setting: "login_type", .. }), "{error}");
}

#[tokio::test]
async fn g6_a_full_group_is_remote_capacity() {
    let emulator = start(1).await;
    let patience = Duration::from_millis(100);
    let tenten = group(&emulator).busy_timeout(patience).build().expect("valid");
    let full = emulator.fault(Fault::on("getuid").rc(38, "System busy, please try again").always());
    let error = soon("an answer", tenten.connect()).await.expect_err("full");
    assert!(matches!(TentenSession::classify(&error), Class::Busy { retry_after: Some(_) }));
    full.lift();
    emulator.fault(Fault::on("getuid").rc(1, "System busy, please try again"));
    drop(group(&emulator).build().expect("valid").connect().await.expect("asked again"));
}

#[tokio::test]
async fn g13_a_session_that_is_gone_is_lost() {
    let (emulator, session, error) = fetch(Fault::on("querydata").rc(35, "not logged in")).await;
    assert!(error.session_lost() && TentenSession::classify(&error).ends_session());
    assert_eq!(session.condition(), Condition::Broken(Class::SessionLost));
    drop((emulator, session));
}

#[tokio::test]
async fn g14_a_session_ended_by_another_login_is_lost() {
    let emulator = start(1).await;
    let mut ours = session(&emulator).await;
    let theirs = session(&emulator).await;
    let error = Query::new(NUMBERS, "").run(&mut ours).await.expect_err("ended");
    assert!(error.session_lost(), "{error}");
    TentenSession::close(ours).await.expect("nothing to end");
    assert_eq!(live(&emulator), 1, "theirs is left alone");
    drop(theirs);
}

#[tokio::test]
async fn g16_a_busy_gateway_is_told_and_nobody_is_reset() {
    let (emulator, session, error) = fetch(Fault::on("querydata").rc(38, "System is busy")).await;
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert_eq!(session.condition(), Condition::Clean);
    assert_eq!(emulator.book().calls("resetpool"), 0);
}

#[tokio::test]
async fn g17_sessions_that_all_end_at_once_are_opened_anew_a_few_at_a_time() {
    let emulator = start(6).await;
    let tenten = group(&emulator).build().expect("valid");
    let builder = Pool::builder(tenten.clone()).max_size(6).check_after_idle(Duration::ZERO);
    let pool = builder.build().expect("valid");
    let mut leases = Vec::new();
    for _ in 0..6 {
        leases.push(pool.acquire().await.expect("lent"));
    }
    drop(leases);
    let operator = user(&emulator, LoginType::Possess).user(crate::common::OWNER);
    let operator = operator.sam_pool(crate::common::OWNER, crate::common::GROUP).build();
    operator.expect("valid").reset_pool().await.expect("reset");
    let slow = emulator.fault(Fault::on("login").always().delay(Duration::from_millis(20)));
    let waiting: Vec<_> = (0..6)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut session = pool.acquire().await.expect("lent");
                Query::new(NUMBERS, "").run(&mut session).await.expect("it lives");
                assert!(pool.status().opening <= 2);
                tokio::time::sleep(Duration::from_millis(50)).await;
            })
        })
        .collect();
    for task in waiting {
        soon("a session", task).await.expect("no panic");
    }
    drop(slow);
    assert!(pool.close(Duration::from_secs(5)).await.is_complete());
    all_free(&emulator).await;
}

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
async fn g21_an_answer_without_a_code_is_never_a_success() {
    for body in [
        answer("<msg>OK</msg>"),
        answer("<rc></rc><msg>OK</msg>"),
        answer("<rc>fine</rc>"),
        answer("<table><cols/><data/></table>"),
    ] {
        let (_, _, error) = fetch(Fault::on("querydata").body(body)).await;
        assert!(matches!(error, Error::Missing { element: "rc", .. }), "{error:?}");
    }
    for inside in ["<rc>0</rc>", "<rc>0</rc><table/>", "<rc>0</rc><table><cols/></table>"] {
        let (_, _, error) = fetch(Fault::on("querydata").body(answer(inside))).await;
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    }
    let (_, _, error) = fetch(Fault::on("querydata").body("the database is on fire")).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let (_, _, error) = fetch(Fault::on("querydata").body("")).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let (_, _, error) =
        fetch(Fault::on("querydata").body(answer("<rc>99</rc><msg>new</msg>"))).await;
    assert_eq!(error.rc(), Some(99));
    let (_, error) =
        log_in(Fault::on("login").body(answer("<rc>0</rc><sid>1</sid>")).times(2)).await;
    assert!(matches!(error, Error::Missing { element: "pswd", .. }), "{error:?}");
}

#[tokio::test]
async fn g22_a_cut_answer_is_never_a_short_table() {
    for bytes in [0, 1, 100, 300] {
        let (_, session, error) = fetch(Fault::on("querydata").truncate(bytes)).await;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert_eq!(session.condition(), Condition::Busy);
        let (_, _, error) = fetch(Fault::on("querydata").cut_chunks(bytes)).await;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    }
    // Cut where HTTP does not see it.
    let (_, _, error) =
        fetch(Fault::on("querydata").edit(|body| body[..body.len() - 40].to_vec())).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let cut = |body: Vec<u8>| {
        let at = body.windows(4).rposition(|end| end == b"<td>").expect("there");
        body[..at].to_vec()
    };
    let (_, _, error) = fetch(Fault::on("querydata").edit(cut)).await;
    assert_eq!(flaw(&error), &Flaw::Truncated);
}

#[tokio::test]
async fn g23_fewer_or_more_rows_than_announced_are_an_error_with_both_numbers() {
    for count in [0, 9, 11, 1000] {
        let (_, _, error) = fetch(Fault::on("querydata").body(column(&rows(count)))).await;
        assert_eq!(error.to_string(), format!("rows 0 to 10: 10 were announced and {count} came"));
    }
}

#[tokio::test]
async fn g24_columns_and_cells_that_are_not_as_announced_are_told_with_their_place() {
    let ragged = rows(3) + "<tr><td>1</td></tr>" + &rows(6);
    let (_, _, error) = fetch(Fault::on("querydata").body(column(&ragged))).await;
    assert_eq!(flaw(&error).to_string(), "row has 1 cells where 4 belong");
    let renamed = column(&rows(10)).replace("square", "circle");
    let (_, _, error) = fetch(Fault::on("querydata").body(renamed)).await;
    assert!(matches!(error, Error::Columns { .. }), "{error:?}");
    let missing = column(&rows(10)).replace("<th name=\"name\" type=\"i\"/>", "");
    let (_, _, error) = fetch(Fault::on("querydata").body(missing)).await;
    assert!(matches!(error, Error::Columns { .. }), "{error:?}");

    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let twice = answer(
        "<rc>0</rc><nrows>1</nrows><table><cols><th name=\"a\" type=\"i\"/><th name=\"a\" type=\"i\"/></cols></table>",
    );
    emulator.fault(Fault::on("query").body(twice));
    let error = Query::new(NUMBERS, "").run(&mut session).await.expect_err("two of a name");
    assert!(matches!(error, Error::Shape(_)), "{error:?}");

    let mut query = Query::new(NUMBERS, "").window_size(10);
    query.run(&mut session).await.expect("runs");
    let odd = column(&rows(10)).replacen("<td>1</td>", "<td>1.5e</td>", 1);
    emulator.fault(Fault::on("querydata").body(odd));
    let row = query.row(&mut session, 0).await.expect("fetched").expect("there");
    let error = row.get::<i64>("n").expect_err("no number");
    assert!(matches!(&error, Error::Cell { row: 0, column, .. } if column == "n"), "{error:?}");
}

#[tokio::test]
async fn g25_other_encodings_are_read_or_refused() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let with_mark =
        |body: Vec<u8>| [b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n".to_vec(), body].concat();
    emulator.fault(
        Fault::on("query").edit(with_mark).header("content-type", "text/plain; charset=utf-7"),
    );
    Query::new(NUMBERS, "").run(&mut session).await.expect("read all the same");
    let wide = |body: Vec<u8>| body.into_iter().flat_map(|byte| [byte, 0]).collect();
    emulator.fault(Fault::on("query").edit(wide));
    let error = Query::new(NUMBERS, "").run(&mut session).await.expect_err("UTF-16");
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn g26_g27_entities_and_document_types_are_refused() {
    let bomb = "<!DOCTYPE out [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><out><rc>0</rc><msg>&b;</msg></out>";
    let external = "<!DOCTYPE out SYSTEM \"http://127.0.0.1/evil.dtd\"><out><rc>0</rc></out>";
    for body in [bomb, external] {
        let (_, _, error) = fetch(Fault::on("querydata").body(body)).await;
        assert_eq!(flaw(&error), &Flaw::Doctype);
    }
    let (_, _, error) =
        fetch(Fault::on("querydata").body(answer("<rc>0</rc><msg>&b;</msg>"))).await;
    assert!(matches!(flaw(&error), Flaw::Unexpected(_)));
}

#[tokio::test]
async fn g28_g29_what_is_too_deep_too_wide_or_too_long_is_refused() {
    let deep = answer(&"<a>".repeat(100_000));
    let wide =
        answer(&format!("<a {}/>", (0..200_000).map(|n| format!("a{n}='' ")).collect::<String>()));
    let long = answer(&format!("<rc>0</rc><msg>{}</msg>", "x".repeat(20 << 20)));
    let name = answer(&format!("<{}/>", "x".repeat(20 << 20)));
    for body in [deep, wide, long, name] {
        let (_, _, error) = fetch(Fault::on("querydata").body(body)).await;
        assert!(matches!(flaw(&error), Flaw::TooMuch { .. }), "{error:?}");
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
async fn g37_a_session_whose_query_runs_on_is_not_lent() {
    let emulator = gateway(1).start().await.expect("starts");
    let tenten = user(&emulator, LoginType::Kill).total_timeout(Duration::from_millis(100));
    let pool = Pool::builder(tenten.build().expect("valid")).build().expect("valid");
    let mut session = pool.acquire().await.expect("lent");
    emulator.fault(Fault::on("query").take(Duration::from_secs(3600)));
    let error = Query::new(NUMBERS, "").run(&mut session).await.expect_err("too long");
    assert!(matches!(error, Error::TimedOut(_)), "{error}");
    drop(session);
    let mut next = soon("another session", pool.acquire()).await.expect("lent");
    assert_eq!(pool.status().counters.closed.broken, 1);
    assert_eq!(emulator.book().sessions_ended, 1, "its query with it");
    Query::new(NUMBERS, "").run(&mut next).await.expect("runs");
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
async fn g42_nothing_but_the_log_reads_the_wall_clock() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut readers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("there") {
            let path = entry.expect("there").path();
            match std::fs::read_to_string(&path) {
                Ok(text) if text.contains("SystemTime") || text.contains("Timestamp::now") => {
                    readers.push(path.file_name().expect("a file").to_owned());
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::IsADirectory => folders.push(path),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(readers, ["log.rs"]);
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
