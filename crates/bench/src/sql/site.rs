use std::io;
use std::time::Duration;

use sessionpool_testkit::proxy::Proxy;
use sessionpool_testkit::server::Postgres;
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::{Builder, Runtime};

/// The server, and two ways to it through proxies, which run on threads of their own.
pub(super) struct Site {
    server: Postgres,
    counting: Proxy,
    distant: Proxy,
    _runtime: Runtime,
}

/// How a pool gets to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// Through a proxy that counts round trips.
    Counted,
    /// Through a proxy with half a millisecond each way.
    Distant,
}

impl Site {
    pub(super) fn build() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (server, counting, distant) = runtime.block_on(async {
            let server = Postgres::start_with(&[("max_connections", "200")]).await;
            let port = server.port();
            let built = async { (Proxy::to_port(port).await, Proxy::to_port(port).await) };
            let (counting, distant) = built.await;
            (server, counting, distant)
        });
        distant.set_latency(Duration::from_micros(500));
        Ok(Self { server, counting, distant, _runtime: runtime })
    }

    pub(super) fn options(&self, way: Way) -> PgConnectOptions {
        let port = match way {
            Way::Direct => self.server.port(),
            Way::Counted => self.counting.port(),
            Way::Distant => self.distant.port(),
        };
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(Postgres::USER)
            .database(Postgres::DATABASE)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.counting.round_trips()
    }
}
