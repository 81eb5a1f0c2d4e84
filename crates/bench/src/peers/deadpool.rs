use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleResult};

use crate::peer::Peer;
use crate::remote::{NoopSession, Remote};

/// deadpool's managed pool.
#[derive(Clone)]
pub(crate) struct Deadpool(Pool<Noop>);

pub(crate) struct Noop(Arc<Remote>);

impl Manager for Noop {
    type Type = NoopSession;
    type Error = Infallible;

    async fn create(&self) -> Result<NoopSession, Infallible> {
        Ok(self.0.open().await)
    }

    async fn recycle(&self, _: &mut NoopSession, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

impl Peer for Deadpool {
    type Lease<'a> = Object<Noop>;
    type Error = PoolError<Infallible>;

    fn build(remote: Arc<Remote>, size: usize) -> Self {
        let pool = Pool::builder(Noop(remote)).max_size(size).build();
        Self(pool.expect("no timeouts, so no runtime to name"))
    }

    fn acquire(&self) -> impl Future<Output = Result<Object<Noop>, Self::Error>> + Send {
        self.0.get()
    }
}
