use std::future::Future;
use std::sync::Arc;

use sqlx_core::Error;
use sqlx_core::pool::{Pool, PoolConnection, PoolOptions};

use crate::noopdb::{Noop, NoopOptions};
use crate::peer::Peer;
use crate::remote::Remote;

/// sqlx's pool, over a database that does nothing.
#[derive(Clone)]
pub(crate) struct Sqlx(Pool<Noop>);

impl Peer for Sqlx {
    type Lease<'a> = PoolConnection<Noop>;
    type Error = Error;

    fn build(remote: Arc<Remote>, size: usize) -> Self {
        let size = u32::try_from(size).expect("a small pool");
        let options = PoolOptions::new().max_connections(size);
        Self(options.connect_lazy_with(NoopOptions(remote)))
    }

    fn acquire(&self) -> impl Future<Output = Result<PoolConnection<Noop>, Error>> + Send {
        self.0.acquire()
    }
}
