//! The examples of the vendor's documentation, as they are written with this crate.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use sessionpool_core::{Lease, Pool, Session};
use sessionpool_emulator::{Column, Emulator, Group, Table};
use sessionpool_tenten::{BaseQuery, LoginType, Query, Tenten, TentenSession};

const STATIONS: &str = "pub.demo.weather.stations";
const HOURLY: &str = "pub.demo.weather.hourly90";

async fn gateway() -> Emulator {
    let stations = Table::new(
        STATIONS,
        [
            Column::integer("id", (0..100).map(|n| Some(3100 + n))),
            Column::text("name", (0..100).map(|n| format!("STATION {n}"))),
            Column::decimal("elev", (0..100).map(|n| Some(f64::from(n)))),
        ],
    );
    let hourly = Table::new(
        HOURLY,
        [
            Column::integer("date", (1..=30).map(|day| Some(19_900_100 + day)))
                .format("type:date;width:8"),
            Column::decimal("temp", (1..=30).map(|day| Some(f64::from(day) / 2.0))),
        ],
    );
    let ids = ["sam_pool_01", "sam_pool_02", "sam_pool_03", "sam_pool_04"];
    let group = Group::new("sam_pool", "sam_pool_01", "pw");
    Emulator::builder()
        .user("username", "password")
        .group(ids.iter().fold(group, |group, id| group.id(id)))
        .table(stations.expect("fine"))
        .table(hourly.expect("fine"))
        .start()
        .await
        .expect("it starts")
}

fn sam_pool(emulator: &Emulator) -> Tenten {
    let builder = Tenten::builder(emulator.url()).insecure().sam_pool("sam_pool_01", "sam_pool");
    builder.password("pw").login_type(LoginType::Possess).build().expect("valid")
}

/// `session = py1010.Session(…)`, `query = session.query(…)`, `query.run()`, and then rows,
/// columns, single values and slices.
#[tokio::test]
async fn a_single_user_queries() {
    let emulator = gateway().await;
    let builder = Tenten::builder(emulator.url()).insecure().user("username").password("password");
    let tenten = builder.login_type(LoginType::Kill).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let ops = "<sel value=\"(elev&gt;10)\"/><colord cols=\"id,name,elev\"/>";
    let mut query = Query::new(STATIONS, ops);
    query.run(&mut session).await.expect("runs");
    assert_eq!(query.nrows(), Some(89));

    let row = query.row(&mut session, 0).await.expect("fetched").expect("there");
    assert_eq!(row.read::<(i32, String, f64)>().expect("read"), (3111, "STATION 11".into(), 11.0));
    let slice = query.slice(&mut session, 0..1_000_000).await.expect("fetched");
    assert_eq!(slice.nrows(), 89);
    let mut hourly = Query::new(HOURLY, "");
    let row = hourly.row(&mut session, 0).await.expect("fetched").expect("there");
    assert_eq!(row.get::<Date>("date").expect("a day"), date(1990, 1, 1));
    TentenSession::close(session).await.expect("closes");
}

/// Two threads, two tables, two files; each thread with a session of the pool.
#[tokio::test]
async fn two_tasks_export_two_tables() {
    async fn export(
        mut session: Lease<TentenSession>,
        table: &'static str,
        path: PathBuf,
    ) -> String {
        let mut query = Query::new(table, "");
        let mut rows = query.rows(&mut session).await.expect("runs");
        let mut text = String::new();
        while let Some(row) = rows.next().await {
            let row = row.expect("fetched");
            for column in 0..row.columns().len() {
                write!(text, "{},", row.get::<String>(column).expect("text")).expect("written");
            }
            text.push('\n');
        }
        drop(rows);
        std::fs::write(path, text).expect("written");
        session.user().to_owned()
    }
    let emulator = gateway().await;
    let pool = Pool::builder(sam_pool(&emulator)).build().expect("valid");
    let folder = tempfile::TempDir::new().expect("made");
    let at = |name: &str| folder.path().join(name);
    let users = tokio::join!(
        export(pool.acquire().await.expect("lent"), STATIONS, at("stations.csv")),
        export(pool.acquire().await.expect("lent"), HOURLY, at("hourly.csv")),
    );
    assert_ne!(users.0, users.1);
    let lines = |path: &Path| std::fs::read_to_string(path).expect("written").lines().count();
    assert_eq!((lines(&at("stations.csv")), lines(&at("hourly.csv"))), (100, 30));
}

/// `py1010.warmpool(…, queries)` prints how many IDs it warmed.
#[tokio::test]
async fn a_pool_is_warmed_with_queries() {
    let emulator = gateway().await;
    let queries = [BaseQuery::new(STATIONS, ""), BaseQuery::new(HOURLY, "")];
    let warmed = sam_pool(&emulator).warm_pool(&queries).await.expect("warmed");
    println!("{warmed} IDs are logged in and have both queries computed");
    assert_eq!((warmed, emulator.book().calls("query")), (4, 8));
    assert!(emulator.book().held().is_empty());
}
