//! Runs the program on both databases, and checks that no money is lost.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::process::Command;

use sessionpool_testkit::server;

fn run(url: Option<&str>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bank")).args(url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn holds(text: &str) {
    for line in [
        "accounts: 10, with 10000 in all",
        "total in the sandbox: 1010000",
        "total after it: 10000",
        "the same account a second time: refused",
        "opened: account 10",
        "total: 10000",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line:?} in:\n{text}");
    }
    assert!(text.contains("closed, 0 failed"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("transfers: ")), "{text}");
}

#[test]
fn no_money_is_lost_on_sqlite() {
    holds(&run(None));
}

#[test]
fn no_money_is_lost_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}", folder.path().join("bank.db").display());
    holds(&run(Some(&url)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn no_money_is_lost_on_postgresql() {
    let postgres = server::Postgres::start().await;
    holds(&run(Some(&postgres.url())));
}
