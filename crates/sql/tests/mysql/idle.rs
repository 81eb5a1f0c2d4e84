//! Sessions that lie idle, and a server that ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::event::Outlived;
use sessionpool_core::{Pool, PoolEvents};
use sessionpool_sql::MySql;
use sessionpool_testkit::server::MariaDb;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;

use crate::place::SOON;

/// What a pool tells of its server's limits.
#[derive(Default)]
struct Limits(Mutex<Vec<Outlived>>);

impl PoolEvents for Limits {
    fn outlived(&self, _: Option<&str>, event: &Outlived) {
        self.0.lock().unwrap().push(*event);
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_pool_ends_idle_sessions_before_its_server_does_and_says_why() {
    let server = MariaDb::start_with(&[("wait_timeout", "2")]).await;
    let limits = Arc::new(Limits::default());
    let mysql = MySql::connect(&server.url()).unwrap();
    let pool = Pool::builder(mysql).events(limits.clone()).build().unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    // Nobody looks after this one.
    let mut plain = MySqlConnection::connect(&server.url()).await.unwrap();

    let ended = "select variable_value from information_schema.global_status \
                 where variable_name = 'aborted_clients'";
    let look = async { while server.sql(ended).await != "1" {} };
    tokio::time::timeout(SOON, look).await.expect("the server's limit");
    plain.ping().await.unwrap_err();
    let status = pool.status();
    assert_eq!((status.counters.closed.expired, status.size()), (2, 0), "{status:?}");
    assert_eq!(server.sql(ended).await, "1");

    let told = limits.0.lock().unwrap().clone();
    let [told] = told[..] else { panic!("{told:?}") };
    assert_eq!(told.limit, Duration::from_secs(2));
    assert_eq!(told.idle_timeout, Some(Duration::from_millis(1_600)));
    pool.close(SOON).await;
}
