use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{
    AcquireError, Backend, Condition, Fault, Lease, Pool, PoolBuilder, PoolEvents, Session,
};

use crate::peer::Peer;
use crate::remote::{NoopSession, Remote};

/// Our own pool, with every default on.
#[derive(Clone)]
pub(crate) struct Sessionpool(Pool<NoopSession>);

struct Noop(Arc<Remote>);

impl Backend for Noop {
    type Session = NoopSession;

    async fn open(&self) -> Result<NoopSession, Infallible> {
        Ok(self.0.open().await)
    }

    async fn check(&self, _: &mut NoopSession) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Session for NoopSession {
    type Error = Infallible;

    fn condition(&self) -> Condition {
        Condition::Clean
    }

    fn classify(error: &Infallible) -> Fault {
        match *error {}
    }

    async fn release(_: &mut Self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn close(_: Self) -> Result<(), Infallible> {
        Ok(())
    }

    fn abort(_: Self) {}
}

fn builder(remote: Arc<Remote>, size: usize) -> PoolBuilder<NoopSession> {
    Pool::builder(Noop(remote)).max_size(size)
}

impl Sessionpool {
    /// A pool that tells this listener what happens in it.
    pub(crate) fn build_heard_by(
        remote: Arc<Remote>,
        size: usize,
        listener: Arc<dyn PoolEvents>,
    ) -> Self {
        Self(builder(remote, size).events(listener).build().expect("a valid size"))
    }

    /// For how long the first in line has waited.
    pub(crate) fn longest_wait(&self) -> Option<Duration> {
        self.0.status().oldest_waiter
    }
}

/// Hears everything and heeds nothing.
struct Deaf;

impl PoolEvents for Deaf {}

impl Peer for Sessionpool {
    type Lease<'a> = Lease<NoopSession>;
    type Error = AcquireError;

    fn build(remote: Arc<Remote>, size: usize) -> Self {
        Self(builder(remote, size).build().expect("a valid size"))
    }

    fn build_listened(remote: Arc<Remote>, size: usize) -> Option<Self> {
        Some(Self::build_heard_by(remote, size, Arc::new(Deaf)))
    }

    fn build_crowded(
        remote: Arc<Remote>,
        size: usize,
        waiters: usize,
        patience: Duration,
    ) -> Option<Self> {
        let builder = builder(remote, size).max_waiters(waiters).acquire_timeout(patience);
        Some(Self(builder.build().expect("settings that can work")))
    }

    fn acquire(&self) -> impl Future<Output = Result<Self::Lease<'_>, AcquireError>> + Send {
        self.0.acquire()
    }
}
