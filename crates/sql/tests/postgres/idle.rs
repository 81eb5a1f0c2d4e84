//! Sessions that lie idle, and a server that ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::event::Outlived;
use sessionpool_core::{Pool, PoolEvents};
use sqlx::Connection;

use crate::place::{Place, SOON};

/// A fifth of it is how much earlier the pool acts, and how far a loaded machine may be
/// behind.
const LIMIT: &str = "10s";

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
    place.run(&format!("alter database {database} set idle_session_timeout = '{LIMIT}'")).await;
    let limits = Arc::new(Limits::default());
    let pool = Pool::builder(place.postgres()).events(limits.clone()).build().unwrap();
    // Nobody looks after this one, which is the oldest.
    let mut plain = place.plain().await;
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));

    let ended = format!("select sessions_fatal from pg_stat_database where datname = '{database}'");
    place.becomes(1, &ended).await;
    plain.ping().await.unwrap_err();
    let emptied = async {
        while pool.status().size() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, emptied).await.expect("the pool's limit");
    assert_eq!(pool.status().counters.closed.expired, 2);
    assert_eq!(place.look(&ended).await, 1);

    let told = limits.0.lock().unwrap().clone();
    let [told] = told[..] else { panic!("{told:?}") };
    assert_eq!(told.limit, Duration::from_secs(10));
    assert_eq!(told.idle_timeout, Some(Duration::from_secs(8)));
    pool.close(SOON).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_session_that_is_kept_is_checked_before_its_server_ends_it() {
    let place = Place::new().await;
    let database = &place.database;
    place.run(&format!("alter database {database} set idle_session_timeout = '{LIMIT}'")).await;
    let builder = Pool::builder(place.postgres()).max_size(1).min_idle(1).max_lifetime(None);
    let pool = builder.build().unwrap();
    let pid = pool.acquire().await.unwrap().backend_pid();
    // Nobody looks after this one, which is younger.
    let mut plain = place.plain().await;

    let ended = format!("select sessions_fatal from pg_stat_database where datname = '{database}'");
    place.becomes(1, &ended).await;
    plain.ping().await.unwrap_err();
    assert_eq!(pool.acquire().await.unwrap().backend_pid(), pid);
    assert_eq!(pool.status().counters.opened, 1);
    pool.close(SOON).await;
}
