//! Answers that are cut, ragged, strange or meant to do harm.

use sessionpool_core::{Condition, Session};
use sessionpool_emulator::Fault;
use sessionpool_tenten::{Error, Flaw, Query};

use super::{answer, column, fetch, flaw, log_in, rows, session};
use crate::common::{NUMBERS, start};

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
