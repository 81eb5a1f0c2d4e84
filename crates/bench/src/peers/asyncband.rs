use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use asyncband::pool::bounded::{Object, Pool, PoolConfig};
use asyncband::pool::{ManageObject, ObjectStatus};

use crate::peer::Peer;
use crate::remote::{NoopSession, Remote};

/// asyncband's bounded pool, the successor of fastpool's.
#[derive(Clone)]
pub(crate) struct Asyncband(Arc<Pool<Noop>>);

pub(crate) struct Noop(Arc<Remote>);

impl ManageObject for Noop {
    type Object = NoopSession;
    type Error = Infallible;

    async fn create(&self) -> Result<NoopSession, Infallible> {
        Ok(self.0.open().await)
    }

    async fn is_recyclable(&self, _: &mut NoopSession, _: &ObjectStatus) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Peer for Asyncband {
    type Lease<'a> = Object<Noop>;
    type Error = Infallible;

    fn build(remote: Arc<Remote>, size: usize) -> Self {
        Self(Pool::new(PoolConfig::new(size), Noop(remote)))
    }

    fn acquire(&self) -> impl Future<Output = Result<Object<Noop>, Infallible>> + Send {
        self.0.get()
    }
}
