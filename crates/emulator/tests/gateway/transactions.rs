//! Requests and answers, byte by byte, as the protocol document shows them.

use crate::common::{Caller, STATIONS, between, emulator, rc};

const OK: &str = "<out><rc>0</rc><msg>OK</msg></out>";
const ID: &str = "<th name=\"id\" type=\"i\" format=\"type:nocommas;width:6\">Station&#10;ID</th>";
const NAME: &str = "<th name=\"name\" type=\"a\" format=\"type:char;width:20\">Name</th>";
const ELEV: &str = "<th name=\"elev\" type=\"f\" format=\"type:num;width:8;dec:1\">Elev</th>";

#[tokio::test]
async fn login_answers_sid_password_message_and_version_in_this_order() {
    let emulator = emulator().start().await.unwrap();
    let answer = Caller::new(&emulator, "a").try_login("demo", "possess").await;
    let (sid, pswd) = (between(&answer, "<sid>", "</sid>"), between(&answer, "<pswd>", "</pswd>"));
    assert_eq!(
        answer,
        format!(
            "<out><rc>0</rc><sid>{sid}</sid><pswd>{pswd}</pswd>\
             <msg>Last login was: never</msg><version>prime-18.53</version></out>"
        )
    );
    assert!((9..=10).contains(&sid.len()) && sid.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(pswd.starts_with("_______") && pswd.len() > 100, "{pswd}");
    assert!(pswd[7..].bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
}

#[tokio::test]
async fn login_tells_when_the_last_one_was() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    caller.login("demo", "possess").await;
    let again = between(&caller.try_login("demo", "possess").await, "<msg>", "</msg>");
    let shape: String = again.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "Last login was: 0000-00-00 00:00:00");
}

#[tokio::test]
async fn an_old_gateway_tells_no_version() {
    let emulator = emulator().choose(|choices| choices.version = None).start().await.unwrap();
    let answer = Caller::new(&emulator, "a").try_login("demo", "possess").await;
    assert!(answer.ends_with("</msg></out>"), "{answer}");
}

#[tokio::test]
async fn logout_says_logged_out() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let answer = caller.in_session(&session, "logout", "").await;
    assert_eq!(answer, "<out><rc>0</rc><msg>Logged out</msg></out>");
}

#[tokio::test]
async fn clear_says_how_much_memory_is_used_and_costs_a_recomputation_only() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let memory = |bytes| format!("<out><rc>0</rc><msg>OK</msg><memory>{bytes}</memory></out>");
    assert_eq!(caller.in_session(&session, "clear", "").await, memory(1_048_576));

    let query =
        r#"<in><name>pub.demo.weather.stations</name><ops><sel value="id&gt;3103"/></ops></in>"#;
    caller.in_session(&session, "query", query).await;
    let window = "<in><cols><col>id</col></cols></in>";
    let before = caller.in_session(&session, "getdata", window).await;
    assert!(before.contains("<tr><td>3104</td></tr><tr><td>3105</td></tr>"), "{before}");
    assert_eq!(caller.in_session(&session, "clear", "").await, memory(1_048_576));
    assert_eq!(caller.in_session(&session, "getdata", window).await, before);
}

#[tokio::test]
async fn session_parameters_are_accepted_and_inf2na_is_obeyed() {
    let infinities = sessionpool_emulator::Column::decimal(
        "x",
        [Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(1e300)],
    );
    let table = sessionpool_emulator::Table::new("infinite", [infinities]).unwrap();
    let emulator = emulator().table(table).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let window = "<in><name>infinite</name><ops/><cols><col>x</col></cols></in>";
    let cells = async || {
        let answer = caller.in_session(&session, "querydata", window).await;
        between(&answer, "<data>", "</data>")
    };
    let shown = "<tr><td>0i</td></tr><tr><td>-0i</td></tr><tr><td>1e+300</td></tr>";
    let hidden = "<tr><td></td></tr><tr><td></td></tr><tr><td>1e+300</td></tr>";
    assert_eq!(cells().await, shown);
    for (settings, code, then) in [
        ("<in><inf2na>on</inf2na></in>", 0, hidden),
        ("<in><inf2na>maybe</inf2na></in>", 10, hidden),
        ("<in><vmlimit>9</vmlimit><cpu>4</cpu></in>", 0, hidden),
        ("<in><inf2na>off</inf2na></in>", 0, shown),
    ] {
        let answer = caller.in_session(&session, "session", settings).await;
        assert_eq!(rc(&answer), code, "{settings}: {answer}");
        assert_eq!(cells().await, then, "after {settings}");
    }
    assert_eq!(caller.in_session(&session, "session", "<in/>").await, OK);
}

#[tokio::test]
async fn query_answers_the_number_of_rows_and_the_columns() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let query = format!(
        r#"<in><name>{STATIONS}</name><ops><sel value="(elev&gt;10)"/><colord cols="id,name,elev"/></ops></in>"#
    );
    assert_eq!(
        caller.in_session(&session, "query", &query).await,
        format!(
            "<out><rc>0</rc><msg>OK</msg><nrows>1</nrows><table><cols>{ID}{NAME}{ELEV}</cols></table></out>"
        )
    );
}

#[tokio::test]
async fn getdata_answers_the_rows_in_the_order_of_the_columns_asked_for() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let query = format!("<in><name>{STATIONS}</name><ops></ops></in>");
    caller.in_session(&session, "query", &query).await;
    let window = r#"<in><cols><col>name</col><col>id</col></cols>
        <rows mode="2"><from>1</from><to>2</to></rows><format type="xml" values="raw"/></in>"#;
    assert_eq!(
        caller.in_session(&session, "getdata", window).await,
        format!(
            "<out><rc>0</rc><msg>OK</msg><table><cols>{NAME}{ID}</cols><data>\
             <tr><td>FLAGSTAFF &amp; CO</td><td>3103</td></tr><tr><td></td><td>3104</td></tr>\
             </data></table></out>"
        )
    );
}

#[tokio::test]
async fn querydata_answers_what_both_do() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let both = format!(
        r#"<in><name>{STATIONS}</name><ops><sel value="i_=3"/></ops><cols><col>id</col><col>elev</col></cols></in>"#
    );
    assert_eq!(
        caller.in_session(&session, "querydata", &both).await,
        format!(
            "<out><rc>0</rc><msg>OK</msg><nrows>1</nrows><table><cols>{ID}{ELEV}</cols>\
             <data><tr><td>3105</td><td></td></tr></data></table></out>"
        )
    );
    let csv = r#"<in><name>default.lonely</name><ops/><cols><col>lonely</col></cols>
        <format type="csv" values="formatted"><sep>|</sep></format></in>"#;
    assert_eq!(
        caller.in_session(&session, "querydata", csv).await,
        "<out><rc>0</rc><msg>OK</msg><nrows>1</nrows><table><cols>\
         <th name=\"lonely\" type=\"i\" format=\"type:num;width:11\">lonely</th></cols></table>\
         <csv><![CDATA[lonely\n1\n]]></csv></out>"
    );
}

#[tokio::test]
async fn tabinfo_answers_a_table_tree_without_a_query() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let asked = format!("<in><name>{STATIONS}</name></in>");
    assert_eq!(
        caller.in_session(&session, "tabinfo", &asked).await,
        format!(
            "<out><rc>0</rc><msg>OK</msg><table name=\"{STATIONS}\"><title>{STATIONS}</title>\
             <maxdown>5000000</maxdown><cols>{ID}{NAME}{ELEV}</cols><data/></table></out>"
        )
    );
    let window = "<in><cols><col>id</col></cols></in>";
    assert_eq!(rc(&caller.in_session(&session, "getdata", window).await), 21, "no query was made");
}

#[tokio::test]
async fn what_is_missing_or_unknown_has_its_code() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let rows = [
        ("query", "<in><name>a.b</name></in>", 8),
        ("query", "<in><ops/></in>", 8),
        ("query", "", 8),
        ("query", "<in><name>a b</name><ops/></in>", 16),
        ("query", "<in><name></name><ops/></in>", 16),
        ("query", "<in><name>pub.demo.weather.nothing</name><ops/></in>", 17),
        ("query", "<in><name>pub.nowhere.stations</name><ops/></in>", 18),
        ("query", "<in><name>pub.demo.weather.stations</name><ops><sel/></ops></in>", 11),
        ("query", "<in><name>pub.demo", 2),
        ("getdata", "<in><cols><col>id</col></cols></in>", 21),
        ("querydata", "<in><name>default.lonely</name><ops/></in>", 8),
        ("querydata", "<in><name>default.lonely</name><ops/><cols/></in>", 8),
        ("tabinfo", "<in/>", 8),
        ("tabinfo", "<in><name>pub.demo.weather.nothing</name></in>", 17),
    ];
    for (api, body, code) in rows {
        let answer = caller.in_session(&session, api, body).await;
        assert_eq!(rc(&answer), code, "{api} {body}: {answer}");
    }
}
