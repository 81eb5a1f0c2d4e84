//! The fault proxy in front of PostgreSQL, with sqlx's plain connections: what the
//! tests of our backends take for granted.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use sessionpool_testkit::proxy::{Direction, Proxy, Then};
use sessionpool_testkit::server::Postgres;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Error, Executor};
use tokio::time::timeout;

/// How long something may take that is bound to happen.
const SOON: Duration = Duration::from_secs(20);

/// How long to look whether something happens that must not.
const A_WHILE: Duration = Duration::from_millis(300);

struct Bench {
    server: Postgres,
    proxy: Proxy,
    client: PgConnection,
}

impl Bench {
    /// A table `t (x)`, and a client behind a proxy.
    async fn set_up() -> Self {
        let server = Postgres::start().await;
        server.psql("create table t (x int)").await;
        let proxy = Proxy::to_port(server.port()).await;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(proxy.port())
            .username(Postgres::USER)
            .database(Postgres::DATABASE)
            .ssl_mode(PgSslMode::Disable);
        let client = options.connect().await.unwrap();
        Self { server, proxy, client }
    }

    async fn rows(&self) -> String {
        self.server.psql("select count(*) from t").await
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_answer_costs_one_round_trip() {
    let Bench { server: _server, proxy, mut client } = Bench::set_up().await;
    let before = proxy.round_trips();
    client.execute("begin; insert into t values (1); commit").await.unwrap();
    assert_eq!(proxy.round_trips() - before, 1);
    client.execute("select repeat('x', 1000000)").await.unwrap();
    assert_eq!(proxy.round_trips() - before, 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_is_done_though_its_reply_is_lost() {
    let mut bench = Bench::set_up().await;
    bench.client.execute("begin; insert into t values (1)").await.unwrap();
    bench.proxy.when(Direction::ToClient, "COMMIT\0", Then::LoseReply);
    let lost = bench.client.execute("commit").await.unwrap_err();
    assert!(matches!(lost, Error::Io(_)), "{lost:?}");
    assert_eq!(bench.rows().await, "1");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_that_is_cut_off_is_not_done() {
    let mut bench = Bench::set_up().await;
    bench.client.execute("begin; insert into t values (1)").await.unwrap();
    bench.proxy.when(Direction::ToServer, "commit", Then::Reset); // a byte is missing
    bench.client.execute("commit").await.unwrap_err();
    assert_eq!(bench.rows().await, "0");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_whose_reply_is_withheld_is_done_and_never_answered() {
    let mut bench = Bench::set_up().await;
    bench.client.execute("begin; insert into t values (1)").await.unwrap();
    bench.proxy.when(Direction::ToServer, "commit", Then::Withhold);
    assert!(timeout(A_WHILE, bench.client.execute("commit")).await.is_err());
    while bench.rows().await != "1" {}
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_answer_comes_after_a_black_hole() {
    let Bench { server: _server, proxy, mut client } = Bench::set_up().await;
    proxy.black_hole();
    let mut asked = client.execute("select 1");
    assert!(timeout(A_WHILE, &mut asked).await.is_err());
    proxy.heal();
    timeout(SOON, asked).await.unwrap().unwrap();
}
