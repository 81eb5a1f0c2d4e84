//! What is said of a real database, in real time.

use std::sync::Arc;
use std::time::Duration;

use sessionpool::event::Traced;
use sessionpool::sql::{PgSession, Postgres};
use sessionpool::{AcquireError, Chain, Pool, TxError};
use sessionpool_testkit::proxy::{Direction, Proxy, Then};
use sessionpool_testkit::server;
use tokio::net::TcpListener;

use crate::log::Log;
use crate::page::quotes;

/// A pool of the database at this port.
fn shop(port: u16, login: &str) -> Pool<PgSession> {
    let url = format!("postgres://{login}@127.0.0.1:{port}/postgres");
    Pool::builder(Postgres::connect(&url).unwrap())
        .name("shop")
        .max_size(3)
        .acquire_timeout(Duration::from_millis(900))
        .events(Arc::new(Traced::new()))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_database_that_is_down() {
    let (log, _guard) = Log::new();
    // Taken and let go: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let pool = shop(port, "app");
    let (error, streak) = loop {
        let error = pool.acquire().await.unwrap_err();
        assert!(error.is_backend_fault());
        let AcquireError::TimedOut(timed_out) = &error else { panic!("{error}") };
        let streak = timed_out.last_failure.as_ref().unwrap().streak;
        if streak > 1 {
            break (error, streak);
        }
    };
    let counted = format!("the last {streak} openings failed");
    let text = error.to_string().replace(&counted, "the last 4 openings failed");
    quotes("down", &text.replace(&port.to_string(), "5432"));
    let log = log.text().replace(&port.to_string(), "5432");
    quotes("down in the log", log.lines().next().unwrap());
}

#[tokio::test]
async fn a_database_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = shop(silent.local_addr().unwrap().port(), "app");
    let error = pool.acquire().await.unwrap_err();
    assert!(error.is_backend_fault());
    quotes("silent", &error.to_string());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_wrong_password() {
    let server = server::Postgres::shared().await;
    server.psql("create role app login password 'right'").await;
    let error = shop(server.port(), "app:wrong").acquire().await.unwrap_err();
    assert!(error.is_backend_fault() && !error.is_timeout());
    let text = error.to_string().replace(&server.port().to_string(), "5432");
    let (text, _) = text.split_once(" at line ").unwrap(); // of PostgreSQL's source
    quotes("password", text);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_whose_answer_was_lost() {
    let server = server::Postgres::shared().await;
    server.psql("create table orders (x int)").await;
    let proxy = Proxy::to_port(server.port()).await;
    let pool = shop(proxy.port(), server::Postgres::USER);
    let sold = pool.transaction(async |tx| {
        sqlx::query("insert into orders values (1)").execute(&mut **tx).await.unwrap();
        proxy.when(Direction::ToServer, "COMMIT", Then::LoseReply);
        Ok::<_, TxError>(())
    });
    let error = sold.await.unwrap_err();
    assert!(error.is_outcome_unknown());
    quotes("unknown", &Chain(&error).to_string());
    assert_eq!(server.psql("select count(*) from orders").await, "1", "this time, it is there");
}
