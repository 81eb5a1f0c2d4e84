use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use mobc::{Connection, Error, Manager, Pool, async_trait};

use crate::peer::Peer;
use crate::remote::{NoopSession, Remote};

/// mobc's pool.
#[derive(Clone)]
pub(crate) struct Mobc(Pool<Noop>);

pub(crate) struct Noop(Arc<Remote>);

#[async_trait]
impl Manager for Noop {
    type Connection = NoopSession;
    type Error = Infallible;

    async fn connect(&self) -> Result<NoopSession, Infallible> {
        Ok(self.0.open().await)
    }

    async fn check(&self, session: NoopSession) -> Result<NoopSession, Infallible> {
        Ok(session)
    }
}

impl Peer for Mobc {
    type Lease<'a> = Connection<Noop>;
    type Error = Error<Infallible>;

    /// Keeps as many idle as it may open, as every other pool does; its own
    /// default is 2.
    fn build(remote: Arc<Remote>, size: usize) -> Self {
        let size = size as u64;
        Self(Pool::builder().max_open(size).max_idle(size).build(Noop(remote)))
    }

    fn acquire(&self) -> impl Future<Output = Result<Connection<Noop>, Self::Error>> + Send {
        self.0.get()
    }
}
