use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::remote::Remote;

/// One of the pools compared, so that each measurement is written once.
///
/// Nothing comes between the measurement and the pool: `acquire` returns the
/// pool's own future, and a lease is the pool's own guard.
pub(crate) trait Peer: Clone + Send + Sync + 'static {
    /// Gives the session back when dropped.
    type Lease<'a>: Send
    where
        Self: 'a;

    /// Why there was no session.
    type Error: Debug + Send;

    /// Makes a pool of at most `size` sessions, inside a runtime, with every
    /// other setting as its authors left it.
    fn build(remote: Arc<Remote>, size: usize) -> Self;

    /// The same, with a listener to its events that does nothing; `None` where there is
    /// nothing like it.
    fn build_listened(remote: Arc<Remote>, size: usize) -> Option<Self> {
        let _ = (remote, size);
        None
    }

    /// The same, for so many who wait, each for so long; `None` where not all of that can
    /// be set.
    fn build_crowded(
        remote: Arc<Remote>,
        size: usize,
        waiters: usize,
        patience: Duration,
    ) -> Option<Self> {
        let _ = (remote, size, waiters, patience);
        None
    }

    /// Borrows a session.
    fn acquire(&self) -> impl Future<Output = Result<Self::Lease<'_>, Self::Error>> + Send;
}

/// Borrows a session and gives it back, `times` over.
pub(crate) async fn operate<P: Peer>(pool: &P, times: usize) {
    for _ in 0..times {
        drop(pool.acquire().await.expect("a session that opens at once"));
    }
}

/// Has `count` sessions open and idle.
pub(crate) async fn warm_up<P: Peer>(pool: &P, count: usize) {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(pool.acquire().await.expect("a session that opens at once"));
    }
}
