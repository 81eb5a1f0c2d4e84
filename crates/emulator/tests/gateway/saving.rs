//! Tables that users make: `savetable` and `upload`.

use crate::common::{Caller, STATIONS, Session, between, emulator, rc};

const OK: &str = "<out><rc>0</rc><msg>OK</msg></out>";
const TREE: &str = "<title>Mine</title><sdesc>short</sdesc><ldesc>long &amp; more</ldesc><cols>\
    <th name=\"id\" type=\"j\" format=\"type:nocommas\" desc=\"which\">The&#10;ID</th>\
    <th name=\"x\" type=\"f\"/><th name=\"t\" type=\"a\">T</th></cols>";
const ROWS: &str = "<data><tr><td>1</td><td>0.5</td><td> a &lt;b&gt; </td></tr>\
    <tr><td/><td>-0i</td><td></td></tr></data>";

fn upload(name: &str, mode: &str, table: &str) -> String {
    let users = "<users type=\"inherit\"/>";
    format!("<in><table>{table}</table><name mode=\"{mode}\">{name}</name>{users}</in>")
}

fn save(name: &str, mode: &str) -> String {
    format!("<in><name mode=\"{mode}\">{name}</name></in>")
}

/// What is between `<data>` and `</data>` of a whole table.
async fn rows(caller: &Caller, session: &Session, table: &str, columns: &[&str]) -> String {
    let columns: String = columns.iter().map(|name| format!("<col>{name}</col>")).collect();
    let body = format!("<in><name>{table}</name><ops/><cols>{columns}</cols></in>");
    let answer = caller.in_session(session, "querydata", &body).await;
    if rc(&answer) == 0 { between(&answer, "<data>", "</data>") } else { answer }
}

#[tokio::test]
async fn an_uploaded_table_is_there_as_it_was_sent() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let body = upload("pub.demo.mine", "noreplace", &format!("{TREE}{ROWS}"));
    assert_eq!(caller.in_session(&session, "upload", &body).await, OK);
    assert_eq!(
        rows(&caller, &session, "pub.demo.mine", &["id", "x", "t"]).await,
        "<tr><td>1</td><td>0.5</td><td> a &lt;b&gt; </td></tr><tr><td></td><td>-0i</td><td></td></tr>"
    );
    let asked = "<in><name>pub.demo.mine</name></in>";
    assert_eq!(
        caller.in_session(&session, "tabinfo", asked).await,
        "<out><rc>0</rc><msg>OK</msg><table name=\"pub.demo.mine\" owner=\"demo\"><title>Mine</title>\
         <sdesc>short</sdesc><ldesc>long &amp; more</ldesc><maxdown>5000000</maxdown><cols>\
         <th name=\"id\" type=\"j\" format=\"type:nocommas\" desc=\"which\">The&#10;ID</th>\
         <th name=\"x\" type=\"f\" format=\"type:num;width:12;dec:2\">x</th>\
         <th name=\"t\" type=\"a\" format=\"type:char;width:20\">T</th></cols><data/></table></out>"
    );
}

#[tokio::test]
async fn a_querys_result_is_saved_with_its_rows_columns_and_order() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let name = save("pub.demo.weather.high", "replace");
    assert_eq!(rc(&caller.in_session(&session, "savetable", &name).await), 21);
    let query = format!(
        "<in><name>{STATIONS}</name><ops><sel value=\"(id&gt;3103)\"/>\
         <sort col=\"id\" dir=\"down\"/><colord cols=\"name,id\"/></ops></in>"
    );
    caller.in_session(&session, "query", &query).await;
    // What was cleared is computed again.
    caller.in_session(&session, "clear", "").await;
    assert_eq!(caller.in_session(&session, "savetable", &name).await, OK);
    assert_eq!(
        rows(&caller, &session, "pub.demo.weather.high", &["name", "id"]).await,
        "<tr><td>GRAND CANYON</td><td>3105</td></tr><tr><td></td><td>3104</td></tr>"
    );
    let missing = rows(&caller, &session, "pub.demo.weather.high", &["elev"]).await;
    assert_eq!(rc(&missing), 36, "{missing}");
}

#[tokio::test]
async fn the_mode_says_what_becomes_of_a_table_that_is_there() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let table = |id: u8| {
        let cols = "<cols><th name=\"n\" type=\"i\">N</th></cols>";
        format!("{cols}<data><tr><td>{id}</td></tr></data>")
    };
    for (mode, id, code, then) in [
        ("append", 1, 0, "<tr><td>1</td></tr>"),
        ("noreplace", 2, 20, "<tr><td>1</td></tr>"),
        ("append", 3, 0, "<tr><td>1</td></tr><tr><td>3</td></tr>"),
        ("replace", 4, 0, "<tr><td>4</td></tr>"),
        ("over", 5, 13, "<tr><td>4</td></tr>"),
    ] {
        let body = upload("pub.demo.n", mode, &table(id));
        let answer = caller.in_session(&session, "upload", &body).await;
        assert_eq!(rc(&answer), code, "{mode}: {answer}");
        assert_eq!(rows(&caller, &session, "pub.demo.n", &["n"]).await, then, "{mode}");
    }
    let other = format!("{TREE}{ROWS}");
    let body = upload("pub.demo.n", "append", &other);
    assert_eq!(rc(&caller.in_session(&session, "upload", &body).await), 25, "other columns");
    let body = upload("pub.demo.n", "noreplace", &table(6)).replace(" mode=\"noreplace\"", "");
    assert_eq!(rc(&caller.in_session(&session, "upload", &body).await), 20, "nothing said");
}

#[tokio::test]
async fn a_session_sees_what_it_saved_and_others_do_from_their_next_one_on() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let (demo, other) =
        (caller.login("demo", "possess").await, caller.login("other", "possess").await);
    let table = "<cols><th name=\"n\" type=\"i\">N</th></cols><data><tr><td>7</td></tr></data>";
    for (session, mode) in [(&demo, "replace"), (&other, "append")] {
        let body = upload("pub.demo.shared", mode, table);
        assert_eq!(caller.in_session(session, "upload", &body).await, OK);
    }
    let seven = "<tr><td>7</td></tr>";
    let shared = async |session: &Session| rows(&caller, session, "pub.demo.shared", &["n"]).await;
    assert_eq!(shared(&demo).await, seven, "as it saved it");
    assert_eq!(shared(&other).await, seven.repeat(2), "as it is now");
    let anew = caller.login("demo", "yes").await;
    assert_eq!(shared(&anew).await, seven.repeat(2));
    assert_eq!(rc(&shared(&demo).await), 35);
}

#[tokio::test]
async fn what_cannot_be_saved_has_its_code_and_leaves_nothing() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let good = format!("{TREE}{ROWS}");
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let at = |path: &str| upload(path, "replace", &good);
    let of = |table: String| upload("pub.demo.new", "replace", &table);
    for (body, code) in [
        (at("pub.nowhere.t"), 15),
        (at("pub.demo.a b"), 16),
        (at(""), 16),
        (at("pub.demo.uploads.t"), 26),
        (of(with(ROWS, "<data/>")), 24),
        (of(with(ROWS, "")), 8),
        (of(TREE.to_owned() + "<cols/>" + ROWS).replacen("<cols>", "<x>", 1), 2),
        (of(format!("<cols/>{ROWS}")), 8),
        (of(ROWS.to_owned()), 8),
        (of(with(" type=\"f\"", "")), 11),
        (of(with("type=\"f\"", "type=\"d\"")), 13),
        (of(with("name=\"x\"", "name=\"x y\"")), 13),
        (of(with("name=\"x\"", "name=\"id\"")), 29),
        (of(with("<td>1</td>", "")), 10),
        (of(with("<td>1</td>", "<td>1.5</td>")), 10),
        (of(with("<td>0.5</td>", "<td>0,5</td>")), 10),
        ("<in><name>pub.demo.new</name></in>".to_owned(), 8),
        (format!("<in><table>{good}</table></in>"), 8),
    ] {
        let answer = caller.in_session(&session, "upload", &body).await;
        assert_eq!(rc(&answer), code, "{body}: {answer}");
    }
    let nothing = rows(&caller, &session, "pub.demo.new", &["id"]).await;
    assert_eq!(rc(&nothing), 17, "{nothing}");

    let none = format!("<in><name>{STATIONS}</name><ops><sel value=\"(id=0)\"/></ops></in>");
    caller.in_session(&session, "query", &none).await;
    let answer = caller.in_session(&session, "savetable", &save("pub.demo.new", "replace")).await;
    assert_eq!(rc(&answer), 24);
    let stranger = Session { sid: "1".to_owned(), ..session };
    let answer = caller.in_session(&stranger, "upload", &at("pub.demo.new")).await;
    assert_eq!(rc(&answer), 35);
}

#[tokio::test]
async fn an_upload_may_be_as_large_as_is_documented() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let row = "<tr><td>123456</td></tr>";
    let count = (5 * 1024 * 1024 - 1000) / row.len();
    let data = row.repeat(count);
    let table = format!("<cols><th name=\"n\" type=\"i\">N</th></cols><data>{data}</data>");
    let body = upload("pub.demo.large", "replace", &table);
    assert_eq!(caller.in_session(&session, "upload", &body).await, OK);
    let query = "<in><name>pub.demo.large</name><ops/></in>";
    let answer = caller.in_session(&session, "query", query).await;
    assert_eq!(between(&answer, "<nrows>", "</nrows>"), count.to_string());
}
