//! Sessions that lie idle, and a server that ends them.

use std::sync::Arc;

use sessionpool_core::Pool;
use sessionpool_sql::MySql;
use sessionpool_testkit::server::MariaDb;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;

use crate::place::{SOON, until};

#[path = "../common/idle.rs"]
mod shared;

use shared::{Limits, both_expired};

/// In seconds. A fifth of it is how much earlier the pool acts, and how far a loaded machine
/// may be behind.
const LIMIT: &str = "10";

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_pool_ends_idle_sessions_before_its_server_does_and_says_why() {
    let server = MariaDb::start_with(&[("wait_timeout", LIMIT)]).await;
    let limits = Arc::new(Limits::default());
    let mysql = MySql::connect(&server.url()).unwrap();
    let pool = Pool::builder(mysql).events(limits.clone()).build().unwrap();
    // Nobody looks after this one, which is the oldest.
    let mut plain = MySqlConnection::connect(&server.url()).await.unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));

    let ended = "select variable_value from information_schema.global_status \
                 where variable_name = 'aborted_clients'";
    until("the server's limit", || async { server.sql(ended).await != "0" }).await;
    plain.ping().await.unwrap_err();
    both_expired(&pool).await;
    assert_eq!(server.sql(ended).await, "1");

    limits.assert_ten_seconds();
    pool.close(SOON).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_session_that_is_kept_is_checked_before_its_server_ends_it() {
    let server = MariaDb::start_with(&[("wait_timeout", LIMIT)]).await;
    let mysql = MySql::connect(&server.url()).unwrap();
    let pool = Pool::builder(mysql).max_size(1).min_idle(1).max_lifetime(None).build().unwrap();
    let id = pool.acquire().await.unwrap().connection_id();
    // Nobody looks after this one, which is younger.
    let mut plain = MySqlConnection::connect(&server.url()).await.unwrap();

    let others = format!(
        "select count(*) from information_schema.processlist \
         where id <> connection_id() and id <> {id} and command = 'Sleep'"
    );
    until("the server's limit", || async { server.sql(&others).await == "0" }).await;
    plain.ping().await.unwrap_err();
    assert_eq!(pool.acquire().await.unwrap().connection_id(), id);
    assert_eq!(pool.status().counters.opened, 1);
    pool.close(SOON).await;
}
