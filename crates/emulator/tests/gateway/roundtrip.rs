//! Whatever a table holds comes out of its answers again, by other parsers' reading.

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;
use sessionpool_emulator::{Column, Table};

use crate::common::{Caller, emulator};

#[derive(Clone, Debug)]
struct Row(Option<i32>, Option<i64>, Option<f64>, String);

/// Text that XML can hold; N/A is the empty one.
const TEXT: &str = "[^\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\u{FFFE}\u{FFFF}]{0,6}|[\\]>,\"\n ]{0,6}";

fn row() -> impl Strategy<Value = Row> {
    let float = prop_oneof![any::<f64>(), (-1000..1000).prop_map(f64::from)];
    let finite = float.prop_filter("a number", |value| value.is_finite());
    (
        prop::option::of(i32::MIN + 1..=i32::MAX),
        prop::option::of(i64::MIN + 1..=i64::MAX),
        prop::option::of(finite),
        TEXT,
    )
        .prop_map(|(i, j, f, a)| Row(i, j, f, a))
}

fn table(rows: &[Row]) -> Table {
    let columns = [
        Column::integer("i", rows.iter().map(|row| row.0)),
        Column::big("j", rows.iter().map(|row| row.1)),
        Column::decimal("f", rows.iter().map(|row| row.2)),
        Column::text("a", rows.iter().map(|row| &row.3)),
    ];
    Table::new("t", columns).unwrap()
}

impl Row {
    fn read<'a>(mut cells: impl Iterator<Item = &'a str>) -> Self {
        fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(cell: &str) -> Option<T> {
            (!cell.is_empty()).then(|| cell.parse().unwrap())
        }
        let mut next = || cells.next().unwrap();
        let row = Self(number(next()), number(next()), number(next()), next().to_owned());
        assert_eq!(cells.next(), None);
        row
    }

    fn is(&self, other: &Self) -> bool {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        self.0 == other.0 && self.1 == other.1 && bits(self.2) == bits(other.2) && self.3 == other.3
    }
}

/// The texts of all elements of this name, in their order.
fn texts(answer: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(answer);
    let mut texts = Vec::new();
    let mut inside = false;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) if start.name().as_ref() == name => {
                inside = true;
                texts.push(String::new());
            }
            Event::End(end) if end.name().as_ref() == name => inside = false,
            Event::Text(text) if inside => {
                texts.last_mut().unwrap().push_str(&text.xml10_content())
            }
            Event::CData(text) if inside => {
                texts.last_mut().unwrap().push_str(&text.xml10_content())
            }
            Event::GeneralRef(name) if inside => {
                let letter = name.resolve_char_ref().unwrap().unwrap_or_else(|| {
                    match name.xml10_content().as_ref() {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        other => panic!("&{other};"),
                    }
                });
                texts.last_mut().unwrap().push(letter);
            }
            Event::Eof => return texts,
            _ => {}
        }
    }
}

async fn answer(rows: &[Row], format: &str) -> String {
    let emulator = emulator().table(table(rows)).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    let body = format!(
        "<in><name>t</name><ops/><cols><col>i</col><col>j</col><col>f</col><col>a</col></cols>{format}</in>"
    );
    caller.in_session(&session, "querydata", &body).await
}

fn same(read: &[Row], rows: &[Row]) -> Result<(), TestCaseError> {
    prop_assert_eq!(read.len(), rows.len());
    for (read, row) in read.iter().zip(rows) {
        prop_assert!(read.is(row), "{:?} of {:?}", read, row);
    }
    Ok(())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_come_out_of_xml_as_they_are(rows in prop::collection::vec(row(), 0..20)) {
        let answer = block_on(answer(&rows, ""));
        let cells = texts(&answer, "td");
        let read: Vec<Row> =
            cells.chunks(4).map(|cells| Row::read(cells.iter().map(String::as_str))).collect();
        same(&read, &rows)?;
        prop_assert_eq!(answer.matches("<tr>").count(), rows.len());
    }

    /// But for carriage returns, which no CDATA section keeps.
    #[test]
    fn rows_come_out_of_csv_as_they_are(rows in prop::collection::vec(row(), 0..20)) {
        let rows: Vec<Row> =
            rows.into_iter().map(|row| Row(row.0, row.1, row.2, row.3.replace('\r', ""))).collect();
        let answer = block_on(answer(&rows, "<format type=\"csv\"/>"));
        let csv = texts(&answer, "csv").concat();
        let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(csv.as_bytes());
        prop_assert_eq!(reader.headers().unwrap(), vec!["i", "j", "f", "a"]);
        let read: Vec<Row> =
            reader.records().map(|record| Row::read(record.unwrap().iter())).collect();
        same(&read, &rows)?;
    }
}
