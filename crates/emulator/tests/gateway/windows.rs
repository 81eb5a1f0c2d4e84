//! `getdata`: which rows, how many, and how they are written.

use sessionpool_emulator::{Column, CsvHeader, Emulator, Table};

use crate::common::{Caller, Session, between, emulator, rc};

async fn start(table: Table) -> (Emulator, Caller, Session) {
    let emulator = emulator().table(table).start().await.unwrap();
    let (caller, session) = query(&emulator).await;
    (emulator, caller, session)
}

/// Logs in and makes `t` the current query.
async fn query(emulator: &Emulator) -> (Caller, Session) {
    let caller = Caller::new(emulator, "a");
    let session = caller.login("demo", "possess").await;
    let defined = caller.in_session(&session, "query", "<in><name>t</name><ops/></in>").await;
    assert_eq!(rc(&defined), 0, "{defined}");
    (caller, session)
}

/// `t` with one column `n` of the numbers from 1.
fn numbers(count: i32) -> Table {
    Table::new("t", [Column::integer("n", (1..=count).map(Some))]).unwrap()
}

async fn numbers_of(caller: &Caller, session: &Session, rows: &str) -> Vec<i32> {
    let window = format!("<in><cols><col>n</col></cols>{rows}</in>");
    let answer = caller.in_session(session, "getdata", &window).await;
    let data = between(&answer, "<data>", "</data>");
    data.split("<td>").skip(1).map(|cell| between(cell, "", "</td>").parse().unwrap()).collect()
}

#[tokio::test]
async fn absolute_windows_count_from_1_and_include_both_ends() {
    let (_emulator, caller, session) = start(numbers(10)).await;
    let rows = [
        ("<from>1</from><to>3</to>", vec![1, 2, 3]),
        ("<from>10</from><to>10</to>", vec![10]),
        ("<to>5</to><from> 4 </from>", vec![4, 5]),
        ("<from>9</from><to>50000</to>", vec![9, 10]),
        ("<from>11</from><to>20</to>", vec![]),
        ("<from>18446744073709551615</from><to>18446744073709551615</to>", vec![]),
    ];
    for (rows, expected) in rows {
        let asked = format!("<rows mode=\"2\">{rows}</rows>");
        assert_eq!(numbers_of(&caller, &session, &asked).await, expected, "{rows}");
    }
}

#[tokio::test]
async fn relative_windows_go_on_where_the_last_one_ended() {
    let (_emulator, caller, session) = start(numbers(5)).await;
    let next = "<rows mode=\"1\"><next>2</next></rows>";
    assert_eq!(numbers_of(&caller, &session, next).await, [1, 2]);
    let absolute = "<rows mode=\"2\"><from>5</from><to>5</to></rows>";
    assert_eq!(numbers_of(&caller, &session, absolute).await, [5], "and the cursor stays");
    assert_eq!(numbers_of(&caller, &session, "").await, [1, 2, 3, 4, 5], "and stays");
    assert_eq!(numbers_of(&caller, &session, next).await, [3, 4]);
    assert_eq!(numbers_of(&caller, &session, next).await, [5]);
    assert_eq!(numbers_of(&caller, &session, next).await, []);
    caller.in_session(&session, "query", "<in><name>t</name><ops/></in>").await;
    assert_eq!(numbers_of(&caller, &session, next).await, [1, 2], "a query begins again");
}

#[tokio::test]
async fn rows_that_are_not_well_said_have_their_codes() {
    let (_emulator, caller, session) = start(numbers(3)).await;
    let rows = [
        ("<rows/>", 11),
        ("<rows><next>2</next></rows>", 11),
        ("<rows mode=\"3\"/>", 13),
        ("<rows mode=\"1\"/>", 8),
        ("<rows mode=\"2\"><from>1</from></rows>", 8),
        ("<rows mode=\"2\"><from>0</from><to>1</to></rows>", 10),
        ("<rows mode=\"2\"><from>2</from><to>1</to></rows>", 10),
        ("<rows mode=\"1\"><next>-2</next></rows>", 10),
        ("<rows mode=\"1\"><next>99999999999999999999999</next></rows>", 10),
        ("<format type=\"binary\"/>", 13),
        ("<format values=\"pretty\"/>", 13),
    ];
    for (rows, code) in rows {
        let window = format!("<in><cols><col>n</col></cols>{rows}</in>");
        let answer = caller.in_session(&session, "getdata", &window).await;
        assert_eq!(rc(&answer), code, "{rows}: {answer}");
    }
}

#[tokio::test]
async fn columns_must_be_in_the_result_and_there_once() {
    let (_emulator, caller, session) = start(numbers(3)).await;
    let missing = "<in><cols><col>n</col><col>m</col></cols></in>";
    assert_eq!(
        caller.in_session(&session, "getdata", missing).await,
        "<out><rc>36</rc><msg>Requested columns not found: m</msg></out>"
    );
    let twice = "<in><cols><col>n</col><col>n</col></cols></in>";
    assert_eq!(rc(&caller.in_session(&session, "getdata", twice).await), 29);
}

#[tokio::test]
async fn a_query_whose_window_fails_is_the_current_one_all_the_same() {
    let (_emulator, caller, session) = start(numbers(3)).await;
    let body = "<in><name>t</name><ops><sel value=\"n=2\"/></ops><cols><col>m</col></cols></in>";
    assert_eq!(rc(&caller.in_session(&session, "querydata", body).await), 36);
    assert_eq!(numbers_of(&caller, &session, "").await, [2]);
}

#[tokio::test]
async fn what_nobody_knows_is_ignored() {
    let (_emulator, caller, session) = start(numbers(3)).await;
    let body = "<in x='1'><z>9</z><name y='2'>t</name><ops/><cols><other>m</other><col>n</col></cols>\
                <rows mode='2' z='3'><to>1</to><from>1</from><q/></rows><format other='x'/></in>";
    let answer = caller.in_session(&session, "querydata", body).await;
    assert!(answer.contains("<data><tr><td>1</td></tr></data>"), "{answer}");
}

#[tokio::test]
async fn a_gateway_may_answer_missing_columns_with_1() {
    let builder = emulator().table(numbers(1)).choose(|choices| choices.no_such_column = 1);
    let emulator = builder.start().await.unwrap();
    let (caller, session) = query(&emulator).await;
    let answer = caller.in_session(&session, "getdata", "<in><cols><col>m</col></cols></in>").await;
    assert_eq!(answer, "<out><rc>1</rc><msg>Requested columns not found: m</msg></out>");
}

#[tokio::test]
async fn more_cells_than_the_limit_are_too_many() {
    let table = Table::new("t", ["n", "m"].map(|name| Column::integer(name, (1..=10).map(Some))));
    let builder = emulator().table(table.unwrap()).choose(|choices| choices.max_cells = 8);
    let emulator = builder.start().await.unwrap();
    let (caller, session) = query(&emulator).await;
    let both =
        "<in><cols><col>n</col><col>m</col></cols><rows mode=\"1\"><next>5</next></rows></in>";
    let answer = caller.in_session(&session, "getdata", both).await;
    assert_eq!(
        answer,
        "<out><rc>23</rc><msg>Too many values: at most 8 are delivered at once</msg></out>"
    );
    let fewer = both.replace('5', "4");
    let answer = caller.in_session(&session, "getdata", &fewer).await;
    assert!(answer.contains("<td>1</td>"), "the cursor has not moved: {answer}");
    assert_eq!(answer.matches("<td>").count(), 8);
    let all = "<in><cols><col>n</col></cols></in>";
    assert_eq!(rc(&caller.in_session(&session, "getdata", all).await), 23, "without rows: all");
    let end =
        "<in><cols><col>n</col></cols><rows mode=\"2\"><from>9</from><to>500</to></rows></in>";
    assert_eq!(rc(&caller.in_session(&session, "getdata", end).await), 0, "what is there counts");
}

/// One column of each kind: the least, the most, zero, and N/A.
fn extremes() -> Table {
    Table::new(
        "t",
        [
            Column::integer("i", [Some(-i32::MAX), Some(i32::MAX), Some(0), None]),
            Column::big("j", [Some(-i64::MAX), Some(i64::MAX), Some(0), None]),
            Column::decimal("f", [Some(-1.5e-7), Some(f64::MAX), Some(0.0), None]),
            Column::text("a", ["<&>\"'", " two\r\nlines ", "ü", ""]),
        ],
    )
    .unwrap()
}

#[tokio::test]
async fn raw_values_are_what_is_stored() {
    let (_emulator, caller, session) = start(extremes()).await;
    let all = "<in><cols><col>i</col><col>j</col><col>f</col><col>a</col></cols></in>";
    let answer = caller.in_session(&session, "getdata", all).await;
    assert_eq!(
        between(&answer, "<data>", "</data>"),
        "<tr><td>-2147483647</td><td>-9223372036854775807</td><td>-1.5e-7</td><td>&lt;&amp;&gt;\"'</td></tr>\
         <tr><td>2147483647</td><td>9223372036854775807</td><td>1.7976931348623157e+308</td><td> two&#13;\nlines </td></tr>\
         <tr><td>0</td><td>0</td><td>0</td><td>ü</td></tr>\
         <tr><td></td><td></td><td></td><td></td></tr>"
    );
}

#[tokio::test]
async fn text_is_plain_bytes() {
    let text = Column::text("a", [&b"Z\xfcrich"[..], b"\x01\xff"]);
    let (_emulator, caller, session) = start(Table::new("t", [text]).unwrap()).await;
    let common = &session;
    let asked =
        format!("api=getdata&apiversion=3&uid=demo&pswd={}&sid={}", common.pswd, common.sid);
    let body = b"<in><cols><col>a</col></cols></in>";
    let (_, bytes) = caller.send_bytes("POST", &asked, body).await;
    let rows = b"<tr><td>Z\xfcrich</td></tr><tr><td>\x01\xff</td></tr>";
    assert!(bytes.windows(rows.len()).any(|window| window == rows), "{bytes:?}");
}

#[tokio::test]
async fn formatted_values_are_what_is_displayed() {
    let columns = [
        Column::integer("d", [Some(19_900_101)]).format("type:date4y;width:10"),
        Column::integer("t", [Some(224_556)]).format("type:hms12"),
        Column::decimal("f", [Some(1_234.5)]).format("type:num;width:8;dec:1"),
    ];
    let (_emulator, caller, session) = start(Table::new("t", columns).unwrap()).await;
    let asked = |values| {
        format!(
            "<in><cols><col>d</col><col>t</col><col>f</col></cols><format type=\"xml\" {values}/></in>"
        )
    };
    for (values, row) in [
        ("values=\"formatted\"", "<tr><td>01/01/1990</td><td>10:45:56p</td><td>1,234.5</td></tr>"),
        ("values=\"raw\"", "<tr><td>19900101</td><td>224556</td><td>1234.5</td></tr>"),
        ("", "<tr><td>19900101</td><td>224556</td><td>1234.5</td></tr>"),
    ] {
        let answer = caller.in_session(&session, "getdata", &asked(values)).await;
        assert_eq!(between(&answer, "<data>", "</data>"), row, "{values}");
    }
}

#[tokio::test]
async fn csv_comes_in_one_cdata_section() {
    let columns = [
        Column::integer("n", [Some(1), None]).heading("The number"),
        Column::text("a", ["plain", "a,\"b\"\nc"]),
    ];
    let (_emulator, caller, session) = start(Table::new("t", columns).unwrap()).await;
    let csv = async |format: &str| {
        let window = format!("<in><cols><col>n</col><col>a</col></cols>{format}</in>");
        caller.in_session(&session, "getdata", &window).await
    };
    assert_eq!(
        csv("<format type=\"csv\"/>").await,
        "<out><rc>0</rc><msg>OK</msg><csv><![CDATA[n,a\n1,plain\n,\"a,\"\"b\"\"\nc\"\n]]></csv></out>"
    );
    assert_eq!(
        csv("<format type=\"csv\"><sep>|</sep><linesep>;&#10;</linesep></format>").await,
        "<out><rc>0</rc><msg>OK</msg><csv><![CDATA[n|a;\n1|plain;\n|\"a,\"\"b\"\"\nc\";\n]]></csv></out>"
    );
}

#[tokio::test]
async fn csv_keeps_the_end_of_its_section_apart() {
    let column = Column::text("a", ["x]]>y", ">", "]]"]);
    let (_emulator, caller, session) = start(Table::new("t", [column]).unwrap()).await;
    let window = "<in><cols><col>a</col></cols><format type=\"csv\"/></in>";
    let answer = caller.in_session(&session, "getdata", window).await;
    let csv = between(&answer, "<csv>", "</csv>");
    let text = csv.replace("]]><![CDATA[", "").replace("<![CDATA[", "");
    assert_eq!(text, "a\nx]]>y\n>\n]]\n]]>");
    assert!(csv.starts_with("<![CDATA[a\nx]]]]><![CDATA[>y\n"), "{csv}");
}

#[tokio::test]
async fn csv_headers_and_quotes_can_be_had_otherwise() {
    let columns = [Column::text("a", ["b,c"]).heading("The text")];
    let builder = emulator().table(Table::new("t", columns).unwrap()).choose(|choices| {
        choices.csv_header = CsvHeader::Labels;
        choices.csv_quotes = false;
    });
    let emulator = builder.start().await.unwrap();
    let (caller, session) = query(&emulator).await;
    let window = "<in><cols><col>a</col></cols><format type=\"csv\"/></in>";
    let answer = caller.in_session(&session, "getdata", window).await;
    assert!(answer.contains("<![CDATA[The text\nb,c\n]]>"), "{answer}");
}

#[tokio::test]
async fn a_window_of_many_pieces_is_whole() {
    let (_emulator, caller, session) = start(numbers(200_000)).await;
    let all = numbers_of(&caller, &session, "").await;
    assert!(all.iter().copied().eq(1..=200_000));
}
