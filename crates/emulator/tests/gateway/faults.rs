//! Faults on demand: which requests they meet, what they do, what stays done.

use std::time::Duration;

use sessionpool_emulator::{Emulator, Fault};
use tokio::io::AsyncReadExt;

use crate::common::{Caller, emulator, rc};

const GETUID: &[u8] = b"GET /a/gw?api=getuid&uid=clientx_owner&pswd=secret&gid=clientx HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const HANDED_OUT: &str = "<out><rc>0</rc><msg>OK</msg><uid>clientx_0</uid></out>";

async fn start() -> (Emulator, Caller) {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    (emulator, caller)
}

#[tokio::test]
async fn each_ending_answers_what_it_says_and_executes_or_not() {
    let fault = || Fault::on("getuid");
    let page = "<html><head><title>503</title></head><body>503</body></html>";
    let rows = [
        // fault, what ends the answer, in its head, whether an ID is out
        (
            fault().rc(41, "1010data is unavailable"),
            "<out><rc>41</rc><msg>1010data is unavailable</msg></out>",
            "200 OK",
            false,
        ),
        (fault().rc(38, "busy").executed(true), "<rc>38</rc><msg>busy</msg></out>", "200 OK", true),
        (fault().status(503), page, "503 Service", false),
        (fault().status(502).executed(true), "<body>502</body></html>", "502 Bad", true),
        (
            fault().status_with(302, "").header("location", "http://elsewhere/"),
            "",
            "location: http://elsewhere/",
            false,
        ),
        (
            fault().status_with(503, "later").header("retry-after", "7"),
            "later",
            "retry-after: 7",
            false,
        ),
        (fault().body("<out><msg>OK</msg></out>"), "<out><msg>OK</msg></out>", "200 OK", false),
        (
            fault().body(vec![0xff, 0xfe]).header("content-type", "text/plain"),
            "",
            "content-type: text/plain",
            false,
        ),
        (
            fault().edit(|body| [b"\xef\xbb\xbf", &body[..]].concat()),
            HANDED_OUT,
            "content-length: 57",
            true,
        ),
        (fault().truncate(20), "\r\n\r\n<out><rc>0</rc><msg>", "content-length: 54", true),
        (fault().truncate(0), "\r\n\r\n", "content-length: 54", true),
        (fault().truncate(9_999), HANDED_OUT, "content-length: 54", true),
        (fault().cut_chunks(5), "5\r\n<out>\r\n", "transfer-encoding: chunked", true),
        (fault().drip(7, Duration::from_millis(1)), "", "transfer-encoding: chunked", true),
        (fault().raw("HTTP/0.9 what"), "HTTP/0.9 what", "", false),
        (fault().raw(""), "", "", false),
        (fault().lose_reply(), "", "", true),
        (fault().lose_request(), "", "", false),
    ];
    for (fault, body, head, executed) in rows {
        let shown = format!("{fault:?}");
        let (emulator, caller) = start().await;
        let handle = emulator.fault(fault);
        let answer = String::from_utf8_lossy(&caller.raw(GETUID).await).into_owned();
        assert!(answer.ends_with(body), "{shown}: {answer}");
        assert!(answer.contains(head), "{shown}: {answer}");
        if shown.contains("Close") {
            assert_eq!(answer, "", "{shown}");
        }
        assert_eq!(emulator.book().held().len(), usize::from(executed), "{shown}");
        assert_eq!(emulator.book().calls("getuid"), 1, "{shown}");
        assert_eq!(handle.hits(), 1, "{shown}");
        assert_eq!(rc(&caller.pool("getuid").await), 0, "it is over: {shown}");
    }
}

#[tokio::test]
async fn faults_meet_the_requests_they_name() {
    let (emulator, caller) = start().await;
    let other = Caller::new(&emulator, "b");
    let refused = |fault: Fault| fault.rc(99, "fault");
    let handles = [
        emulator.fault(refused(Fault::on("GetUid").caller("b"))),
        emulator.fault(refused(Fault::on("login").uid("demo").skip(1).times(2))),
        emulator.fault(refused(Fault::on("reluid").always())),
    ];
    assert_eq!(rc(&caller.pool("getuid").await), 0);
    assert_eq!(rc(&other.pool("getuid").await), 99);
    assert_eq!(rc(&other.pool("getuid").await), 0);

    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(rc(&caller.try_login("demo", "possess").await));
        assert_eq!(rc(&caller.try_login("other", "possess").await), 0);
    }
    assert_eq!(logins, [0, 99, 99, 0]);

    for _ in 0..3 {
        assert_eq!(rc(&caller.release_clear("clientx_0").await), 99);
    }
    handles[2].lift();
    assert_eq!(rc(&caller.release_clear("clientx_0").await), 0);
    assert_eq!(handles.map(|handle| handle.hits()), [1, 2, 3]);
}

#[tokio::test]
async fn the_first_of_several_faults_is_taken_and_then_the_next() {
    let (emulator, caller) = start().await;
    emulator.fault(Fault::on_any().rc(1, "first"));
    emulator.fault(Fault::on("login").rc(2, "second"));
    assert_eq!(rc(&caller.try_login("demo", "auth").await), 1);
    assert_eq!(rc(&caller.try_login("demo", "auth").await), 2);
    assert_eq!(rc(&caller.try_login("demo", "auth").await), 0);
}

#[tokio::test]
async fn version_2_gets_its_codes_bare() {
    let (emulator, caller) = start().await;
    emulator.fault(Fault::on("login").rc(45, "Login throttled"));
    let answer = caller.ask("api=login&apiversion=2&uid=demo&pswd=secret", "").await;
    assert_eq!(answer, "<rc>45</rc><msg>Login throttled</msg>");
}

#[tokio::test]
async fn a_held_request_is_executed_when_the_fault_is_lifted() {
    let (emulator, caller) = start().await;
    let fault = emulator.fault(Fault::on("getuid").hold());
    let lifted = async {
        fault.hit(1).await;
        assert_eq!(emulator.book().calls("getuid"), 0);
        fault.lift();
    };
    let (answer, ()) = tokio::join!(caller.pool("getuid"), lifted);
    assert_eq!(answer, HANDED_OUT);
}

#[tokio::test]
async fn a_held_reply_has_had_its_effect() {
    let (emulator, caller) = start().await;
    let fault = emulator.fault(Fault::on("getuid").hold_reply());
    let lifted = async {
        emulator.until(|book| book.held().len() == 1).await;
        fault.lift();
    };
    let (answer, ()) = tokio::join!(caller.pool("getuid"), lifted);
    assert_eq!(answer, HANDED_OUT);
}

#[tokio::test]
async fn delays_pass_before_and_after_the_effect() {
    let (emulator, caller) = start().await;
    let moment = Duration::from_millis(1);
    emulator.fault(Fault::on("getuid").delay(moment).delay_reply(moment));
    assert_eq!(caller.pool("getuid").await, HANDED_OUT);
}

#[tokio::test]
async fn a_hanging_answer_never_comes_though_the_effect_did() {
    let (emulator, caller) = start().await;
    emulator.fault(Fault::on("getuid").hang());
    let mut stream = caller.unread(GETUID).await;
    emulator.until(|book| book.held().len() == 1).await;
    let mut answer = Vec::new();
    let nothing = stream.try_read_buf(&mut answer).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    drop(emulator); // and so does the wait
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn an_endless_answer_goes_on_until_nobody_reads() {
    let (emulator, caller) = start().await;
    let session = caller.login("demo", "possess").await;
    emulator.fault(Fault::on("querydata").endless("<tr><td>1</td></tr>"));
    let body = "<in><name>default.lonely</name><ops/><cols><col>lonely</col></cols></in>";
    let request = format!(
        "POST /a/gw?api=querydata&uid=demo&pswd={}&sid={} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        session.pswd,
        session.sid,
        body.len()
    );
    let mut stream = caller.unread(request.as_bytes()).await;
    let mut answer = vec![0; 1 << 18];
    stream.read_exact(&mut answer).await.unwrap();
    assert!(!answer.windows(7).any(|window| window == b"</data>"));
    drop(stream);
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 0);
}

#[tokio::test]
async fn an_edited_window_is_the_whole_window() {
    let (emulator, caller) = start().await;
    let session = caller.login("demo", "possess").await;
    let swap = |body: Vec<u8>| {
        String::from_utf8(body).unwrap().replacen("<td>3104</td>", "", 1).into_bytes()
    };
    emulator.fault(Fault::on("querydata").edit(swap));
    let body = "<in><name>pub.demo.weather.stations</name><ops/><cols><col>id</col></cols></in>";
    let answer = caller.in_session(&session, "querydata", body).await;
    assert!(
        answer.ends_with(
            "<tr><td>3103</td></tr><tr></tr><tr><td>3105</td></tr></data></table></out>"
        ),
        "{answer}"
    );
}

#[test]
fn faults_that_cannot_be_are_refused_at_once() {
    let refused = |make: fn() -> Fault| {
        *std::panic::catch_unwind(make).unwrap_err().downcast::<String>().unwrap()
    };
    assert_eq!(refused(|| Fault::on_any().status(100)), "100 is no status of an answer");
    assert_eq!(refused(|| Fault::on_any().status(600)), "600 is no status of an answer");
    assert!(refused(|| Fault::on_any().header("a b", "c")).starts_with("a header's name"));
    assert!(refused(|| Fault::on_any().header("a", "b\n")).starts_with("a header's value"));
    assert!(
        refused(|| Fault::on_any().header("Content-Length", "7"))
            .starts_with("content-length frames")
    );
}
