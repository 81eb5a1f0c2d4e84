//! What a pool tells of its server's limit to idle sessions, over whichever server's `place`
//! this is compiled beside.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Mutex;
use std::time::Duration;

use sessionpool_core::event::Outlived;
use sessionpool_core::{Pool, PoolEvents};

use crate::place::{Lent, SOON};

/// What a pool tells of its server's limits.
#[derive(Default)]
pub(crate) struct Limits(Mutex<Vec<Outlived>>);

impl PoolEvents for Limits {
    fn outlived(&self, _: Option<&str>, event: &Outlived) {
        self.0.lock().unwrap().push(*event);
    }
}

impl Limits {
    /// Of a limit of ten seconds it was told once, and what the pool has made of it.
    pub(crate) fn assert_ten_seconds(&self) {
        let told = self.0.lock().unwrap().clone();
        let [told] = told[..] else { panic!("{told:?}") };
        assert_eq!(told.limit, Duration::from_secs(10));
        assert_eq!(told.idle_timeout, Some(Duration::from_secs(8)));
    }
}

/// Waits until both of the pool's sessions have ended by its own limit.
pub(crate) async fn both_expired(pool: &Pool<Lent>) {
    let emptied = async {
        while pool.status().size() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, emptied).await.expect("the pool's limit");
    assert_eq!(pool.status().counters.closed.expired, 2);
}
