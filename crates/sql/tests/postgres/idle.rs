//! Sessions that lie idle, and a server that ends them.

use std::sync::Arc;

use sessionpool_core::Pool;
use sqlx::Connection;

use crate::place::{Place, SOON};

#[path = "../common/idle.rs"]
mod shared;

use shared::{Limits, both_expired};

/// A fifth of it is how much earlier the pool acts, and how far a loaded machine may be
/// behind.
const LIMIT: &str = "10s";

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
    both_expired(&pool).await;
    assert_eq!(place.look(&ended).await, 1);

    limits.assert_ten_seconds();
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
