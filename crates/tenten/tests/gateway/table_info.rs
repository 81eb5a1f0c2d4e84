//! What a table tells without a query.

use sessionpool_core::Condition;
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{ColumnType, Error, LoginType, TentenSession};

use crate::common::{KINDS, NUMBERS, soon, start, user};

async fn session(emulator: &Emulator) -> TentenSession {
    user(emulator, LoginType::Kill).build().expect("valid").connect().await.expect("opens")
}

#[tokio::test]
async fn a_table_tells_its_columns_without_a_query() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let info = session.table_info(KINDS).await.expect("told");
    assert_eq!((info.path.as_str(), info.title.as_deref()), (KINDS, Some(KINDS)));
    assert_eq!(info.max_download, Some(5_000_000));
    let kinds: Vec<_> = info.columns.iter().map(|info| info.column.kind).collect();
    use ColumnType::{BigInteger, Decimal, Integer, Text};
    assert_eq!(kinds, [Integer, BigInteger, Decimal, Text, Integer, Integer, Decimal]);
    let day = info.column("day").expect("there");
    assert_eq!(day.column.format, "type:date4y;width:10");
    assert_eq!((info.column("nothing"), emulator.book().calls("query")), (None, 0));
}

#[tokio::test]
async fn all_that_is_documented_is_read() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let tree = "<out><rc>0</rc><msg>OK</msg><table name=\"a.b\" mode=\"replace\" owner=\"me\">\
        <title>T &amp; t</title><sdesc>short</sdesc><ldesc>long\nlines</ldesc><link/>\
        <maxdown>250000</maxdown><cols><th name=\"id\" type=\"j\" format=\"type:nocommas\" \
        desc=\"which\" index=\"1\" fixed=\"1\" total=\"0\">Station&#10;ID</th>\
        <th name=\"n\" type=\"i\" index=\"0\" total=\"1\" desc=\"\">N</th></cols><links/>\
        <users><user>u1</user><user>u2</user></users><data></data></table></out>";
    emulator.fault(Fault::on("tabinfo").body(tree));
    let info = session.table_info("a.b").await.expect("told");
    assert_eq!(info.path, "a.b");
    assert_eq!(info.title.as_deref(), Some("T & t"));
    assert_eq!(info.short_description.as_deref(), Some("short"));
    assert_eq!(info.long_description.as_deref(), Some("long\nlines"));
    assert_eq!((info.owner.as_deref(), info.max_download), (Some("me"), Some(250_000)));
    assert_eq!(info.users, ["u1", "u2"]);
    let [id, n] = &info.columns[..] else { panic!("two columns") };
    assert_eq!((id.column.label.as_str(), id.column.kind), ("Station\nID", ColumnType::BigInteger));
    assert_eq!(id.description.as_deref(), Some("which"));
    assert!(id.indexed && id.fixed && !id.total);
    assert!(!n.indexed && !n.fixed && n.total && n.description.is_none());
}

#[tokio::test]
async fn a_table_that_is_not_there_or_not_told_is_an_error() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let error = session.table_info("pub.test.nothing").await.expect_err("none");
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    assert_eq!(error.rc(), Some(17));
    for (fault, element) in [
        ("<out><rc>0</rc></out>", "table"),
        ("<out><rc>0</rc><table><data/></table></out>", "cols"),
        ("<out><rc>0</rc><table><cols><th/></cols></table></out>", "th name"),
    ] {
        emulator.fault(Fault::on("tabinfo").body(fault));
        match session.table_info(NUMBERS).await.expect_err("not told") {
            Error::Missing { api: "tabinfo", element: missing, .. } => assert_eq!(missing, element),
            error => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn asking_may_be_given_up() {
    let emulator = start(1).await;
    let mut session = session(&emulator).await;
    let held = emulator.fault(Fault::on("tabinfo").hold());
    let asking = session.table_info(NUMBERS);
    tokio::time::timeout(std::time::Duration::from_millis(50), asking).await.expect_err("held");
    assert_eq!(sessionpool_core::Session::condition(&session), Condition::Busy);
    held.lift();
    soon("an answer", session.table_info(NUMBERS)).await.expect("told");
    assert_eq!(sessionpool_core::Session::condition(&session), Condition::Clean);
}
