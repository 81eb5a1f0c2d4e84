//! Queries and what they give.

use futures_util::StreamExt;
use jiff::civil::{DateTime, Time, date};
use sessionpool_core::{Condition, Session};
use sessionpool_emulator::{Column, Emulator, Fault, Table};
use sessionpool_tenten::{ColumnType, Error, LoginType, Query, TentenSession, Value, Values};

use crate::common::{KINDS, NUMBERS, gateway, group, soon, start, start_with, user};

async fn session(emulator: &Emulator) -> TentenSession {
    user(emulator, LoginType::Kill).build().expect("valid").connect().await.expect("opens")
}

#[tokio::test]
async fn running_tells_what_there_is() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "<sel value=\"(n&lt;10)\"/><colord cols=\"name,n\"/>");
    assert_eq!((query.nrows(), query.columns().len()), (None, 0));
    query.run(&mut session).await.expect("runs");
    assert_eq!(query.nrows(), Some(10));
    let columns: Vec<_> = query.columns().iter().map(|c| (c.name.as_str(), c.kind)).collect();
    assert_eq!(columns, [("name", ColumnType::Text), ("n", ColumnType::Integer)]);
    assert_eq!(emulator.book().calls("querydata"), 0);
}

#[tokio::test]
async fn what_is_printed_of_a_row_is_that_row() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "");
    let row = query.row(&mut session, 7).await.expect("fetched").expect("there");
    let cells: Vec<String> = row
        .columns()
        .iter()
        .map(|column| {
            format!("{:?}: {:?}", column.name, row.get::<String>(&*column.name).expect("text"))
        })
        .collect();
    assert_eq!(format!("{row:?}"), format!("{{{}}}", cells.join(", ")));
    assert!(format!("{query:?}").len() < 5000, "a window's rows: {query:?}");
}

#[tokio::test]
async fn every_type_is_read() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(KINDS, "");
    let row = query.row(&mut session, 0).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i32>("i").expect("read"), -7);
    assert_eq!(row.get::<i64>(1).expect("read"), 1 << 40);
    assert!((row.get::<f64>("f").expect("read") - 0.1).abs() < f64::EPSILON);
    assert_eq!(row.get::<String>("a").expect("read"), "São & <Co>");
    assert_eq!(row.cell("a").expect("there").raw(), "São &amp; &lt;Co&gt;".as_bytes());
    assert_eq!(row.get::<Value<'static>>("day").expect("read"), Value::Date(date(1990, 1, 1)));
    assert_eq!(row.get::<Time>("time").expect("read"), Time::constant(22, 45, 56, 0));
    let moment: DateTime = row.get("moment").expect("read");
    assert_eq!(moment, date(2034, 12, 31).at(12, 0, 0, 0));

    let row = query.row(&mut session, 1).await.expect("fetched").expect("there");
    for column in 0..7 {
        assert!(row.get::<Value<'static>>(column).expect("read").is_na(), "column {column}");
    }
    assert!(row.get::<i32>("i").is_err());
    assert_eq!(row.get::<Option<i32>>("i").expect("N/A"), None);
    assert_eq!(row.get::<String>("a").expect("empty"), "");

    let row = query.row(&mut session, 2).await.expect("fetched").expect("there");
    assert!(row.get::<f64>("f").expect("read").is_infinite());
    assert_eq!(row.get::<Vec<u8>>("a").expect("bytes"), b"S\xe3o \xff");
    assert_eq!(row.get::<String>("a").expect("Latin-1"), "São ÿ");
    assert_eq!(row.get::<Value<'static>>("day").expect("no day"), Value::Na);
    assert_eq!(query.row(&mut session, 3).await.expect("fetched").map(|row| row.number()), None);
    assert_eq!(emulator.book().calls("querydata"), 1);
}

#[tokio::test]
async fn infinities_become_n_a_when_that_is_set() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).infinite_to_na(true).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let mut query = Query::new(KINDS, "");
    let value = query.cell(&mut session, "f", 2).await.expect("fetched");
    assert_eq!(value, Some(Value::Na));
}

#[tokio::test]
async fn rows_come_in_order_window_by_window() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(64);
    let mut rows = query.rows(&mut session).await.expect("runs");
    let mut next = 0;
    while let Some(row) = rows.next().await {
        let row = row.expect("fetched");
        assert_eq!((row.number(), row.get::<i64>("n").expect("read")), (next, next as i64));
        next += 1;
    }
    assert_eq!((next, rows.left()), (1000, 0));
    assert!(rows.next().await.is_none());
    drop(rows);
    assert_eq!(session.condition(), Condition::Clean);
    assert_eq!(emulator.book().calls("querydata"), 1000_usize.div_ceil(64));
}

#[tokio::test]
async fn the_next_window_is_fetched_while_one_is_read_and_none_beyond_it() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let mut rows = query.rows(&mut session).await.expect("runs");
    for window in 1..10 {
        rows.next().await.expect("there").expect("fetched");
        let ahead = window + 1;
        soon("the next one", emulator.until(|book| book.calls("querydata") == ahead)).await;
        for _ in 1..100 {
            rows.next().await.expect("there").expect("fetched");
        }
        tokio::task::yield_now().await;
        assert_eq!(emulator.book().calls("querydata"), ahead);
    }
    assert_eq!(rows.left(), 100);
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Number {
    n: i32,
    name: String,
    half: Option<f64>,
}

#[tokio::test]
async fn rows_are_read_as_structs_and_tuples() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "<sel value=\"(n&lt;3)\"/>");
    let numbers: Vec<Number> = query
        .rows_as(&mut session)
        .await
        .expect("runs")
        .map(|number| number.expect("read"))
        .collect()
        .await;
    assert_eq!(numbers[2], Number { n: 2, name: "number 2".to_owned(), half: Some(1.0) });
    assert_eq!(numbers.len(), 3);
    let row = query.row(&mut session, 1).await.expect("fetched").expect("there");
    let (n, square, half, name): (u8, i64, f64, &str) = row.read().expect("read");
    assert_eq!((n, square, half, name), (1, 1, 0.5, "number 1"));
    let wrong = row.read::<(String, bool, i64, i64)>().expect_err("no number");
    assert!(wrong.to_string().contains("row 1"), "{wrong}");
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Kinds {
    day: Option<String>,
    time: Option<String>,
    a: String,
    i: Option<i64>,
}

#[tokio::test]
async fn dates_are_iso_8601_and_n_a_is_none_for_serde() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(KINDS, "");
    let mut rows = query.rows_as::<Kinds>(&mut session).await.expect("runs");
    let first = rows.next().await.expect("there").expect("read");
    let (day, time) = (Some("1990-01-01".to_owned()), Some("22:45:56".to_owned()));
    assert_eq!(first, Kinds { day, time, a: "São & <Co>".to_owned(), i: Some(-7) });
    let second = rows.next().await.expect("there").expect("read");
    assert_eq!(second, Kinds { day: None, time: None, a: String::new(), i: None });
}

#[tokio::test]
async fn a_row_that_is_no_such_type_says_where() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(KINDS, "");
    let row = query.row(&mut session, 1).await.expect("fetched").expect("there");
    #[derive(Debug, serde::Deserialize)]
    struct Strict {
        #[allow(dead_code, reason = "it is not read")]
        i: i64,
    }
    let error = row.read::<Strict>().expect_err("N/A");
    assert!(matches!(&error, Error::Cell { row: 1, column, .. } if column == "i"), "{error}");
    let error = row.get::<i64>("nothing").expect_err("no such column");
    assert!(error.to_string().contains("nothing"), "{error}");
    assert!(row.get::<i64>(99).is_err());
}

#[tokio::test]
async fn windows_are_aligned_and_kept() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    for row in [150, 199, 100, 150] {
        let found = query.row(&mut session, row).await.expect("fetched").expect("there");
        assert_eq!(found.get::<i64>("n").expect("read"), row as i64);
    }
    assert_eq!(emulator.book().calls("querydata"), 1);
    query.row(&mut session, 99).await.expect("fetched");
    assert_eq!(emulator.book().calls("querydata"), 2);
}

#[tokio::test]
async fn one_columns_values_are_fetched_alone() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    emulator.fault(Fault::on("querydata").always().edit(|body| {
        let text = String::from_utf8(body).expect("UTF-8");
        assert_eq!(text.matches("<th ").count(), 1, "{text}");
        text.into_bytes()
    }));
    let value = query.cell(&mut session, "square", 12).await.expect("fetched");
    assert_eq!(value, Some(Value::Integer(144)));
    let values = query.column(&mut session, 2, 198..203).await.expect("fetched");
    assert_eq!(values, Values::Decimals((198..203).map(|n| Some(f64::from(n) / 2.0)).collect()));
    assert_eq!(query.cell(&mut session, "name", 1000).await.expect("behind"), None);
}

#[tokio::test]
async fn a_window_may_be_larger_than_any_table() {
    let emulator = start_with(1, |choices| choices.max_cells = 1000).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(u64::MAX);
    let slice = query.slice(&mut session, 0..u64::MAX).await.expect("fetched");
    assert_eq!(slice.nrows(), 1000);
}

#[tokio::test]
async fn a_slice_is_cut_at_the_end() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let slice = query.slice(&mut session, 950..1_000_000).await.expect("fetched");
    assert_eq!(slice.nrows(), 50);
    let Values::Integers(numbers) = slice.values("n").expect("there") else { panic!("integers") };
    assert_eq!(numbers.first(), Some(&Some(950)));
    let names: Vec<_> = slice.iter().map(|(name, values)| (name, values.len())).collect();
    assert_eq!(names, [("n", 50), ("square", 50), ("half", 50), ("name", 50)]);
    assert_eq!(query.slice(&mut session, 2000..3000).await.expect("empty").nrows(), 0);
}

#[tokio::test]
async fn windows_shrink_when_there_are_too_many_values_and_stay_so() {
    let emulator = start_with(1, |choices| choices.max_cells = 100).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "");
    let mut count = 0;
    let mut rows = query.rows(&mut session).await.expect("runs");
    while let Some(row) = rows.next().await {
        assert_eq!(row.expect("fetched").number(), count);
        count += 1;
    }
    drop(rows);
    assert_eq!(count, 1000);
    let refused = |emulator: &Emulator| {
        emulator.requests().iter().filter(|request| request.rc == Some(23)).count()
    };
    let first = refused(&emulator);
    query.row(&mut session, 500).await.expect("fetched");
    assert_eq!(refused(&emulator), first, "remembered");
    assert_eq!(session.condition(), Condition::Clean);
}

#[tokio::test]
async fn a_single_row_of_too_many_values_is_an_error() {
    let emulator = start_with(1, |choices| choices.max_cells = 3).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "");
    let error = query.row(&mut session, 0).await.expect_err("four columns");
    assert!(matches!(error, Error::TooMuchData(_)), "{error}");
}

#[tokio::test]
async fn queries_that_share_a_session_read_their_own_rows() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut low = Query::new(NUMBERS, "<sel value=\"(n&lt;500)\"/>").window_size(10);
    let mut high = Query::new(NUMBERS, "<sel value=\"(n&gt;=500)\"/>").window_size(10);
    for row in (0..500).step_by(50) {
        let (below, above) = (
            low.row(&mut session, row).await.expect("fetched").expect("there"),
            high.row(&mut session, row).await.expect("fetched").expect("there"),
        );
        assert_eq!(below.get::<u64_of>("n").expect("read").0, row);
        assert_eq!(above.get::<u64_of>("n").expect("read").0, row + 500);
    }
}

/// A whole number that is not negative.
#[allow(non_camel_case_types, reason = "reads like one")]
struct u64_of(u64);

impl sessionpool_tenten::FromCell for u64_of {
    fn from_cell(cell: &sessionpool_tenten::Cell<'_>) -> sessionpool_tenten::Result<Self> {
        i64::from_cell(cell).map(|number| Self(number.unsigned_abs()))
    }
}

#[tokio::test]
async fn a_query_replaced_by_somebody_else_is_not_misread() {
    let emulator = start(1).await;
    let possess = || user(&emulator, LoginType::Possess).build().expect("valid");
    let mut ours = possess().connect().await.expect("opens");
    let mut theirs = possess().connect().await.expect("takes part");
    let mut low = Query::new(NUMBERS, "<sel value=\"(n&lt;500)\"/>").window_size(10);
    low.run(&mut ours).await.expect("runs");
    Query::new(NUMBERS, "<sel value=\"(n&gt;=500)\"/>").run(&mut theirs).await.expect("runs");
    let row = low.row(&mut ours, 0).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i64>("n").expect("read"), 0);
}

#[tokio::test]
async fn a_result_that_changed_is_an_error() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let mut query = Query::new("pub.test.growing", "");
    let table = |rows: i32| {
        Table::new("pub.test.growing", [Column::integer("n", (0..rows).map(Some))]).expect("fine")
    };
    emulator.put_table(table(3));
    // What a session sees does not change.
    query.run(&mut session).await.expect_err("not there when it began");
    TentenSession::close(session).await.expect("closes");
    tenten.flush_pool().await.expect("flushed");
    let mut session = tenten.connect().await.expect("opens");
    query.run(&mut session).await.expect("there");
    emulator.put_table(table(5));
    TentenSession::close(session).await.expect("closes");
    tenten.flush_pool().await.expect("flushed");
    let mut session = tenten.connect().await.expect("opens");
    let error = query.row(&mut session, 0).await.expect_err("three rows, then five");
    assert!(matches!(error, Error::Shape(_)), "{error}");
    query.run(&mut session).await.expect("again");
    assert_eq!(query.nrows(), Some(5));
}

#[tokio::test]
async fn rows_dropped_in_the_middle_leave_a_session_that_goes_on() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let held = emulator.fault(Fault::on("querydata").skip(1).hold());
    let mut rows = query.rows(&mut session).await.expect("runs");
    for _ in 0..50 {
        rows.next().await.expect("there").expect("fetched");
    }
    drop(rows);
    assert_eq!(session.condition(), Condition::Busy);
    held.lift();
    let row = soon("a row", query.row(&mut session, 7)).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i64>("n").expect("read"), 7);
    assert_eq!(session.condition(), Condition::Clean);
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_rows() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(100);
    emulator.fault(Fault::on("querydata").skip(2).rc(35, "not logged in"));
    let mut rows = query.rows(&mut session).await.expect("runs");
    for _ in 0..200 {
        rows.next().await.expect("there").expect("fetched");
    }
    let error = rows.next().await.expect("an error").expect_err("lost");
    assert!(error.session_lost(), "{error}");
    assert!(rows.next().await.is_none());
}

#[tokio::test]
async fn an_empty_result_has_no_rows() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "<sel value=\"(n&lt;0)\"/>");
    let mut rows = query.rows(&mut session).await.expect("runs");
    assert!(rows.next().await.is_none());
    drop(rows);
    assert_eq!((query.nrows(), session.condition()), (Some(0), Condition::Clean));
    assert_eq!(emulator.book().calls("querydata"), 0);
}

#[tokio::test]
async fn clearing_the_workspace_costs_no_rows() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let mut query = Query::new(NUMBERS, "").window_size(10);
    query.run(&mut session).await.expect("runs");
    assert!(session.clear().await.expect("cleared").is_some());
    assert!(query.row(&mut session, 5).await.expect("fetched").is_some());
}

#[tokio::test]
async fn what_the_gateway_refuses_is_told_with_its_class() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let missing = Query::new("pub.test.nothing", "").run(&mut session).await.expect_err("no table");
    assert!(matches!(missing, Error::NotFound(_)), "{missing}");
    let malformed = Query::new(NUMBERS, "<sel").run(&mut session).await.expect_err("no XML");
    assert!(matches!(malformed, Error::BadRequest(_)), "{malformed}");
    assert_eq!(session.condition(), Condition::Clean, "a refusal leaves a session as it was");
}

#[tokio::test]
async fn a_query_that_nobody_waited_for_stands_in_the_log() {
    let folder = tempfile::TempDir::new().expect("made");
    let log = folder.path().join("gateway.log");
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).log_file(&log).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let _held = emulator.fault(Fault::on("query").hold_reply());
    let mut query = Query::new(NUMBERS, "");
    tokio::select! {
        answer = query.run(&mut session) => panic!("it was held back: {answer:?}"),
        () = soon("a query", emulator.until(|book| book.calls("query") == 1)) => {}
    }
    let text = std::fs::read_to_string(&log).expect("readable");
    let line = text.lines().last().expect("two");
    assert!(line.contains(" query demo ") && line.contains("nobody waited"), "{text}");
}

#[tokio::test]
async fn of_the_windows_of_single_columns_the_last_few_are_kept() {
    let names: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
    let columns = names.iter().map(|name| Column::integer(name.as_str(), [Some(1), Some(2)]));
    let table = Table::new("pub.test.wide", columns).expect("well-formed");
    let emulator = gateway(1).table(table).start().await.expect("it starts");
    let tenten = user(&emulator, LoginType::Kill).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let mut query = Query::new("pub.test.wide", "");
    for name in &names {
        query.cell(&mut session, name.as_str(), 0).await.expect("fetched").expect("there");
    }
    assert_eq!(emulator.book().calls("querydata"), 10);
    for name in &names[2..] {
        query.cell(&mut session, name.as_str(), 1).await.expect("kept").expect("there");
    }
    assert_eq!(emulator.book().calls("querydata"), 10);
    query.cell(&mut session, "c0", 1).await.expect("fetched again").expect("there");
    assert_eq!(emulator.book().calls("querydata"), 11);
}
