//! Whatever comes in: an answer or a closed connection, in bounded memory, and
//! never a panic (which would be answered with status 500).

use std::sync::LazyLock;

use proptest::prelude::*;
use sessionpool_emulator::Emulator;
use tokio::runtime::Runtime;

use crate::common::{Caller, Session, emulator, rc};

/// One gateway for all cases: what a case leaves behind, the next ones meet.
struct House {
    runtime: Runtime,
    caller: Caller,
    session: Session,
    _emulator: Emulator,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (emulator, caller, session) = runtime.block_on(async {
        let emulator = emulator().start().await.unwrap();
        let caller = Caller::new(&emulator, "a");
        let session = caller.login("demo", "possess").await;
        (emulator, caller, session)
    });
    House { runtime, caller, session, _emulator: emulator }
});

const APIS: [&str; 16] = [
    "login",
    "clear",
    "session",
    "query",
    "getdata",
    "querydata",
    "tabinfo",
    "getuid",
    "reluid",
    "warmpool",
    "flushpool",
    "resetpool",
    "samstatus",
    "savetable",
    "upload",
    "nothing",
];

/// Sends a body with good credentials; the answer must be one.
fn answered(api: &str, version: u8, body: &[u8]) -> u16 {
    let House { runtime, caller, session, .. } = &*HOUSE;
    let (sid, pswd) = (&session.sid, &session.pswd);
    let asked = format!("api={api}&apiversion={version}&uid=demo&pswd={pswd}&sid={sid}");
    let (status, answer) = runtime.block_on(caller.send("POST", &asked, body));
    assert_eq!(status, 200, "{answer}");
    rc(&answer)
}

/// Markup in which the right names appear, in the wrong places.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<in>".to_owned()),
        Just("</in>".to_owned()),
        Just("<name>pub.demo.weather.stations</name>".to_owned()),
        Just("<ops>".to_owned()),
        Just("</ops>".to_owned()),
        Just("<ops/>".to_owned()),
        Just("<cols><col>id</col><col>name</col></cols>".to_owned()),
        Just("<rows mode=\"1\"><next>".to_owned()),
        Just("</next></rows>".to_owned()),
        Just("<sel value=\"".to_owned()),
        Just("\"/>".to_owned()),
        Just("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("]]>".to_owned()),
        Just("<!--".to_owned()),
        Just("&#x0;".to_owned()),
        any::<u64>().prop_map(|number| number.to_string()),
        "[ -~]{0,8}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Expressions of the right signs in any order.
fn expression() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "(",
        ")",
        "id",
        "name",
        "elev",
        "i_",
        "i_()",
        "between(",
        ";",
        "=",
        "<>",
        "<",
        ">",
        "<=",
        ">=",
        "&",
        "|",
        "~",
        "-",
        "'",
        "'x'",
        "\"",
        "1",
        "2.5",
        "1e999",
        "99999999999999999999",
        "9223372036854775807",
        ".",
        "1/1/2014",
        " ",
        "ü",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(
        api in prop::sample::select(&APIS[1..]),
        version in 2..5_u8,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        answered(api, version, &body);
    }

    #[test]
    fn any_markup_is_answered(
        api in prop::sample::select(&APIS[1..]),
        version in 2..4_u8,
        body in markup(),
    ) {
        answered(api, version, body.as_bytes());
    }

    #[test]
    fn any_expression_is_a_query_or_a_refusal(expression in expression()) {
        let body = format!(
            "<in><name>pub.demo.weather.stations</name><ops><sel value=\"{}\"/></ops><cols><col>id</col></cols></in>",
            attribute(&expression)
        );
        let rc = answered("querydata", 3, body.as_bytes());
        prop_assert!([0, 1].contains(&rc), "{expression}: {rc}");
    }

    #[test]
    fn any_window_is_answered(
        mode in "[0-3]?", from in any::<u64>(), to in any::<u64>(), next in any::<i64>(),
        sep in "\\PC{0,3}", linesep in "[\\]>\\[\n]{0,3}",
    ) {
        let (sep, linesep) = (attribute(&sep), attribute(&linesep));
        let body = format!(
            "<in><name>pub.demo.weather.stations</name><ops/><cols><col>name</col></cols>\
             <rows mode=\"{mode}\"><from>{from}</from><to>{to}</to><next>{next}</next></rows>\
             <format type=\"csv\" values=\"formatted\"><sep>{sep}</sep><linesep>{linesep}</linesep></format></in>"
        );
        let rc = answered("querydata", 3, body.as_bytes());
        prop_assert!([0, 10, 13].contains(&rc), "{body}: {rc}");
    }

    #[test]
    fn any_query_string_is_answered(
        api in prop::sample::select(&APIS[..]),
        names in prop::collection::vec(("(uid|pswd|sid|gid|kill|api|apiversion|x)", "[!-~]{0,20}"), 0..8),
    ) {
        let House { runtime, caller, .. } = &*HOUSE;
        let mut asked = format!("api={api}");
        for (name, value) in names {
            asked.push_str(&format!("&{name}={}", value.replace(['#', '"', '<', '>', '`', '{', '}'], "%")));
        }
        let (status, answer) = runtime.block_on(caller.send("GET", &asked, b""));
        prop_assert_eq!(status, 200, "{}: {}", asked, answer);
        rc(&answer);
    }

    #[test]
    fn any_bytes_on_a_connection_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let House { runtime, caller, .. } = &*HOUSE;
        let ended = [&bytes[..], b"\r\n\r\n"].concat();
        let answer = runtime.block_on(caller.raw_and_leave(&ended));
        prop_assert!(!answer.windows(4).any(|window| window == b" 500"), "{:?}", answer);
        answered("clear", 3, b"");
    }
}

#[test]
fn a_query_string_of_60_kb_is_answered_and_a_longer_one_turned_away() {
    let House { runtime, caller, .. } = &*HOUSE;
    let long = |length: usize| format!("api=login&uid={}", "%C3%BC".repeat(length / 6));
    let (status, answer) = runtime.block_on(caller.send("GET", &long(60_000), b""));
    assert_eq!((status.as_u16(), rc(&answer)), (200, 4));
    let request = format!("GET /gw?{} HTTP/1.1\r\nhost: x\r\n\r\n", long(100_000));
    let answer = runtime.block_on(caller.raw_and_leave(request.as_bytes()));
    assert!(answer.starts_with(b"HTTP/1.1 414 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_flood_of_headers_is_turned_away() {
    let House { runtime, caller, .. } = &*HOUSE;
    let flood = format!("GET /gw HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(5_000));
    let answer = runtime.block_on(caller.raw_and_leave(flood.as_bytes()));
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
}
