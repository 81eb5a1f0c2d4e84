//! Results as CSV.

use sessionpool_core::{Condition, Session};
use sessionpool_emulator::{Column, CsvHeader, Emulator, Fault, Table};
use sessionpool_tenten::{Csv, Error, LoginType, Query, TentenSession};
use tokio::io::AsyncWriteExt;

use crate::common::{KINDS, NUMBERS, PASSWORD, gateway, soon, start, start_with, user};

async fn session(emulator: &Emulator) -> TentenSession {
    user(emulator, LoginType::Kill).build().expect("valid").connect().await.expect("opens")
}

/// All of a query's result.
async fn text(query: &mut Query, session: &mut TentenSession, csv: &Csv) -> (u64, Vec<u8>) {
    let mut text = Vec::new();
    let rows = query.write_csv(session, csv, &mut text).await.expect("written");
    (rows, text)
}

/// What it comes to under that fault.
async fn refused(fault: Fault) -> Error {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    emulator.fault(fault);
    let mut query = Query::new(NUMBERS, "").window_size(100);
    query.write_csv(&mut session, &Csv::new(), &mut Vec::new()).await.expect_err("refused")
}

fn replacing(from: &'static str, to: &'static str) -> Fault {
    let edit = move |body: Vec<u8>| String::from_utf8_lossy(&body).replacen(from, to, 1).into();
    Fault::on("querydata").skip(1).edit(edit)
}

#[tokio::test]
async fn every_row_is_written_once_below_the_names() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "<colord cols=\"n,name\"/>").window_size(300);
    let (rows, text) = text(&mut query, &mut session, &Csv::new()).await;
    let expected: String = (0..1000).map(|n| format!("{n},number {n}\n")).collect();
    assert_eq!(rows, 1000);
    assert_eq!(String::from_utf8(text).expect("UTF-8"), format!("n,name\n{expected}"));
    assert_eq!(emulator.book().calls("querydata"), 4);
    assert_eq!(session.condition(), Condition::Clean);
}

#[tokio::test]
async fn the_names_are_those_asked_for_whatever_the_gateway_heads_its_lines_with() {
    let emulator = start_with(1, |choices| choices.csv_header = CsvHeader::Labels).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "<sel value=\"(n&lt;1)\"/><colord cols=\"n,half\"/>");
    let (_, lines) = text(&mut query, &mut session, &Csv::new()).await;
    assert_eq!(lines, b"n,half\n0,0\n");
    let (rows, lines) = text(&mut query, &mut session, &Csv::new().header(false)).await;
    assert_eq!((rows, lines.as_slice()), (1, b"0,0\n".as_slice()));
}

#[tokio::test]
async fn values_are_stored_ones_or_shown_ones() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let ops = "<sel value=\"(i_=1)\"/><colord cols=\"i,f,day,time\"/>";
    let mut query = Query::new(KINDS, ops);
    let (_, stored) = text(&mut query, &mut session, &Csv::new().header(false)).await;
    assert_eq!(stored, b"-7,0.1,19900101,224556\n");
    let shown = Csv::new().header(false).formatted(true).separator('|');
    let (_, shown) = text(&mut query, &mut session, &shown).await;
    assert_eq!(shown, b"-7|0.10|01/01/1990|10:45:56p\n");
}

#[tokio::test]
async fn what_is_hard_to_write_is_passed_on_byte_by_byte() {
    let words = [b"a,b".as_slice(), b"]]>", b"say \"x\"", b"two\nlines", b"S\xe3o", b"<csv>&"];
    let words = Table::new("t", [Column::text("a", words), Column::text("b", words)]);
    let emulator = gateway(1).table(words.expect("well-formed")).start().await.expect("it starts");
    let mut session = session(&emulator).await;
    let mut query = Query::new("t", "<colord cols=\"a,b\"/>").window_size(4);
    let (rows, lines) = text(&mut query, &mut session, &Csv::new().header(false)).await;
    assert_eq!(rows, 6);
    let mut expected = Vec::new();
    for word in [
        b"\"a,b\"".as_slice(),
        b"]]>",
        b"\"say \"\"x\"\"\"",
        b"\"two\nlines\"",
        b"S\xe3o",
        b"<csv>&",
    ] {
        expected.extend_from_slice(&[word, b",", word, b"\n"].concat());
    }
    assert_eq!(String::from_utf8_lossy(&lines), String::from_utf8_lossy(&expected));
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn n_a_is_nothing_and_a_line_of_nothing_is_a_row() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(KINDS, "<colord cols=\"i\"/>");
    assert_eq!(text(&mut query, &mut session, &Csv::new()).await.1, b"i\n-7\n\n2147483647\n");
    let mut none = Query::new(KINDS, "<sel value=\"(i=77)\"/><colord cols=\"i\"/>");
    assert_eq!(text(&mut none, &mut session, &Csv::new()).await, (0, b"i\n".to_vec()));
    assert_eq!(session.condition(), Condition::Clean);
}

#[tokio::test]
async fn csv_is_read_in_a_section_escaped_or_both() {
    let answer = |csv: &str| {
        let body = "<out><rc>0</rc><msg>OK</msg><nrows>3</nrows>";
        format!("{body}<csv>{csv}</csv></out>")
    };
    for csv in [
        "<![CDATA[i\n-7\n\n2147483647\n]]>",
        "\n <![CDATA[i\n-7\n\n2147483647\n]]> \n",
        "i\n-7\n\n2147483647",
        "&lt;![CDATA[i\n-7\n\n2147483647\n]]&gt;",
        "<![CDATA[i\n-7\n]]><![CDATA[\n2147483647\n]]>",
    ] {
        let emulator = start(1).await;
        let mut session = session(&emulator).await;
        emulator.fault(Fault::on("querydata").body(answer(csv)));
        let mut query = Query::new(KINDS, "<colord cols=\"i\"/>");
        let (rows, lines) = text(&mut query, &mut session, &Csv::new()).await;
        assert_eq!((rows, lines), (3, b"i\n-7\n\n2147483647\n".to_vec()), "{csv}");
    }
}

#[tokio::test]
async fn a_row_too_few_or_a_field_too_many_is_an_error_with_its_place() {
    let error = refused(replacing("number 142\n", "")).await;
    assert!(matches!(error, Error::Shape(_)), "{error}");
    assert_eq!(error.to_string(), "row 142 has 7 fields where 4 belong");
    let error = refused(replacing("142,20164,71,number 142\n", "")).await;
    let counted =
        matches!(error, Error::RowCount { from: 100, to: 200, expected: 100, found: 99, .. });
    assert!(counted, "{error:?}");
    let error = refused(replacing("number 142", "number, 142")).await;
    assert_eq!(error.to_string(), "row 142 has 5 fields where 4 belong");
    let error = refused(replacing("]]></csv>", "")).await;
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error = refused(Fault::on("querydata").skip(1).truncate(700)).await;
    assert!(matches!(error, Error::Transport { answered: true, .. }), "{error:?}");
    let error = refused(replacing("<nrows>1000<", "<nrows>999<")).await;
    assert!(matches!(error, Error::Shape(_)), "{error}");
    let xml = "<out><rc>0</rc><nrows>1000</nrows><table><cols/><data/></table></out>";
    let error = refused(Fault::on("querydata").body(xml)).await;
    assert!(matches!(error, Error::Missing { element: "csv", .. }), "{error}");
}

#[tokio::test]
async fn where_a_gateway_does_not_quote_another_separator_does() {
    let words = Table::new("t", [Column::text("a", ["a,b", "c"])]).expect("well-formed");
    let emulator = gateway(1).table(words).choose(|choices| choices.csv_quotes = false);
    let emulator = emulator.start().await.expect("it starts");
    let mut session = session(&emulator).await;
    let mut query = Query::new("t", "");
    let mut commas = Vec::new();
    let error = query.write_csv(&mut session, &Csv::new(), &mut commas).await.expect_err("torn");
    assert_eq!(error.to_string(), "row 0 has 2 fields where 1 belong");
    assert_eq!(commas, b"a\n", "no row was passed on");
    let tabs = Csv::new().separator('\t');
    assert_eq!(text(&mut query, &mut session, &tabs).await, (2, b"a\na,b\nc\n".to_vec()));
}

#[tokio::test]
async fn windows_of_csv_shrink_like_others_and_are_bounded() {
    let emulator = start_with(1, |choices| choices.max_cells = 100).await;
    let mut opened = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "");
    assert_eq!(text(&mut query, &mut opened, &Csv::new()).await.0, 1000);

    let limits = sessionpool_tenten::XmlLimits::default().max_bytes(5_000);
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).xml_limits(limits).build().expect("valid");
    let mut opened = tenten.connect().await.expect("opens");
    let mut query = Query::new(NUMBERS, "");
    let error = query.write_csv(&mut opened, &Csv::new(), &mut Vec::new()).await.expect_err("long");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_download_given_up_leaves_a_session_that_goes_on() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let held = emulator.fault(Fault::on("querydata").skip(2).hold());
    let csv = Csv::new();
    let mut lines = query.csv(&mut session, &csv).await.expect("runs");
    for _ in 0..3 {
        lines.next().await.expect("there").expect("fetched");
    }
    assert_eq!(lines.rows(), 200);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), lines.next());
    waiting.await.expect_err("held");
    drop(lines);
    assert_eq!(session.condition(), Condition::Busy);
    held.lift();
    let row = soon("a row", query.row(&mut session, 7)).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i64>("n").expect("read"), 7);
}

#[tokio::test]
async fn what_it_is_written_to_may_fail() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let (mut writer, reader) = tokio::io::duplex(64);
    drop(reader);
    let error = query.write_csv(&mut session, &Csv::new(), &mut writer).await.expect_err("closed");
    assert!(matches!(error, Error::Output(_)) && !error.is_retryable(), "{error}");
    writer.shutdown().await.expect("shut");
    for separator in ['"', '\n', '\r', '\0', ' ', 'x', '7', 'ä'] {
        let csv = Csv::new().separator(separator);
        let error =
            query.write_csv(&mut session, &csv, &mut Vec::new()).await.expect_err("no sign");
        assert!(matches!(error, Error::Unusable(_)) && !error.to_string().contains(PASSWORD));
    }
    let row = query.row(&mut session, 7).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i64>("n").expect("read"), 7);
}
