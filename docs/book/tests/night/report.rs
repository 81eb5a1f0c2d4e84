//! Work that takes its time.

use std::time::Duration;

use sessionpool::{AcquireOptions, Pool, Session};

/// Builds the report of the day, on a session it keeps for `time`.
pub(crate) async fn of_the_day<S: Session>(pool: Pool<S>, time: Duration) {
    let session = pool.acquire().await.unwrap();
    tokio::time::sleep(time).await;
    drop(session);
}

/// The same, as work of the class "report".
pub(crate) async fn in_its_class<S: Session>(pool: Pool<S>, time: Duration) {
    let patient = AcquireOptions::new().class("report");
    let session = pool.acquire_with(patient).await.unwrap();
    tokio::time::sleep(time).await;
    drop(session);
}
