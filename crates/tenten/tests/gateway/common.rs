//! An emulator and clients of it.

use std::time::Duration;

use sessionpool_emulator::{Choices, Column, Emulator, EmulatorBuilder, Group, Table};
use sessionpool_tenten::{LoginType, Tenten, TentenBuilder};

pub(crate) const USER: &str = "demo";
pub(crate) const OWNER: &str = "clientx_owner";
pub(crate) const GROUP: &str = "clientx";
/// What no error and no log may ever hold.
pub(crate) const PASSWORD: &str = "Canary&7 pässword";

pub(crate) const NUMBERS: &str = "pub.test.numbers";
pub(crate) const KINDS: &str = "pub.test.kinds";

/// The numbers 0 to 999.
pub(crate) fn numbers() -> Table {
    let values = || 0..1000;
    Table::new(
        NUMBERS,
        [
            Column::integer("n", values().map(Some)),
            Column::big("square", values().map(|n| Some(i64::from(n) * i64::from(n)))),
            Column::decimal("half", values().map(|n| Some(f64::from(n) / 2.0))),
            Column::text("name", values().map(|n| format!("number {n}"))),
        ],
    )
    .expect("well-formed")
}

/// A row of everything, one of N/A, and one of what is hard to write.
pub(crate) fn kinds() -> Table {
    Table::new(
        KINDS,
        [
            Column::integer("i", [Some(-7), None, Some(i32::MAX)]),
            Column::big("j", [Some(1 << 40), None, Some(i64::MAX)]),
            Column::decimal("f", [Some(0.1), None, Some(f64::INFINITY)]),
            Column::text("a", [b"S\xc3\xa3o & <Co>".as_slice(), b"", b"S\xe3o \xff"]),
            Column::integer("day", [Some(19_900_101), None, Some(20_240_230)])
                .format("type:date4y;width:10"),
            Column::integer("time", [Some(224_556), None, Some(0)]).format("type:hms12;width:10"),
            Column::decimal("moment", [Some(-0.5), None, Some(0.25)])
                .format("type:datehms24;width:20"),
        ],
    )
    .expect("well-formed")
}

/// A gateway with a user, a group of so many IDs, and two tables.
pub(crate) fn gateway(ids: usize) -> EmulatorBuilder {
    Emulator::builder()
        .user(USER, PASSWORD)
        .group(Group::new(GROUP, OWNER, PASSWORD).ids(ids))
        .table(numbers())
        .table(kinds())
}

pub(crate) async fn start(ids: usize) -> Emulator {
    gateway(ids).start().await.expect("it starts")
}

pub(crate) async fn start_with(ids: usize, choose: impl FnOnce(&mut Choices)) -> Emulator {
    gateway(ids).choose(choose).start().await.expect("it starts")
}

fn builder(url: String) -> TentenBuilder {
    Tenten::builder(url).insecure().password(PASSWORD).retry_wait(Duration::from_millis(50))
}

/// The single user's backend to be.
pub(crate) fn user(emulator: &Emulator, kind: LoginType) -> TentenBuilder {
    builder(emulator.url()).user(USER).login_type(kind)
}

/// The group's backend to be.
pub(crate) fn group(emulator: &Emulator) -> TentenBuilder {
    builder(emulator.url()).sam_pool(OWNER, GROUP).login_type(LoginType::Possess)
}

/// As another process of the same group would be seen.
pub(crate) fn other_group(emulator: &Emulator, caller: &str) -> TentenBuilder {
    builder(emulator.url_for(caller)).sam_pool(OWNER, GROUP).login_type(LoginType::Possess)
}

/// How many sessions there are at the gateway.
pub(crate) fn live(emulator: &Emulator) -> usize {
    let book = emulator.book();
    book.sessions_begun - book.sessions_ended
}

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(10), future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen"),
    }
}

/// Waits until all IDs are free.
pub(crate) async fn all_free(emulator: &Emulator) {
    soon("all IDs free", emulator.until(|book| book.held().is_empty())).await;
}
