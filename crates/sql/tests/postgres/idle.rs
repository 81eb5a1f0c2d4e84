//! Sessions that lie idle, and a server that ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::event::Outlived;
use sessionpool_core::{Pool, PoolEvents};
use sqlx::Connection;

use crate::place::{Place, SOON};

/// What a pool tells of its server's limits.
#[derive(Default)]
struct Limits(Mutex<Vec<Outlived>>);

impl PoolEvents for Limits {
    fn outlived(&self, _: Option<&str>, event: &Outlived) {
        self.0.lock().unwrap().push(*event);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_pool_ends_idle_sessions_before_its_server_does_and_says_why() {
    let place = Place::new().await;
    let database = &place.database;
    place.run(&format!("alter database {database} set idle_session_timeout = '2s'")).await;
    let limits = Arc::new(Limits::default());
    let pool = Pool::builder(place.postgres()).events(limits.clone()).build().unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    // Nobody looks after this one.
    let mut plain = place.plain().await;

    let ended = format!("select sessions_fatal from pg_stat_database where datname = '{database}'");
    place.becomes(1, &ended).await;
    plain.ping().await.unwrap_err();
    let status = pool.status();
    assert_eq!((status.counters.closed.expired, status.size()), (2, 0), "{status:?}");
    assert_eq!(place.look(&ended).await, 1);

    let told = limits.0.lock().unwrap().clone();
    let [told] = told[..] else { panic!("{told:?}") };
    assert_eq!(told.limit, Duration::from_secs(2));
    assert_eq!(told.idle_timeout, Some(Duration::from_millis(1_600)));
    pool.close(SOON).await;
}
