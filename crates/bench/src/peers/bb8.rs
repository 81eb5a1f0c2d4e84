use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bb8::{ManageConnection, Pool, PooledConnection, RunError};

use crate::peer::Peer;
use crate::remote::{NoopSession, Remote};

/// bb8's pool.
#[derive(Clone)]
pub(crate) struct Bb8(Pool<Noop>);

pub(crate) struct Noop(Arc<Remote>);

impl ManageConnection for Noop {
    type Connection = NoopSession;
    type Error = Infallible;

    async fn connect(&self) -> Result<NoopSession, Infallible> {
        Ok(self.0.open().await)
    }

    async fn is_valid(&self, _: &mut NoopSession) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut NoopSession) -> bool {
        false
    }
}

impl Peer for Bb8 {
    type Lease<'a> = PooledConnection<'a, Noop>;
    type Error = RunError<Infallible>;

    fn build(remote: Arc<Remote>, size: usize) -> Self {
        let size = u32::try_from(size).expect("a small pool");
        Self(Pool::builder().max_size(size).build_unchecked(Noop(remote)))
    }

    fn acquire(&self) -> impl Future<Output = Result<Self::Lease<'_>, Self::Error>> + Send {
        self.0.get()
    }
}
