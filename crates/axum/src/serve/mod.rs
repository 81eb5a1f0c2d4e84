mod report;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sessionpool_core::AnyPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use crate::Background;
pub use report::ShutdownReport;

/// How long connections that are cut off have to notice: only code that does not await
/// takes longer.
const CUTTING_OFF: Duration = Duration::from_secs(1);

/// Serves an application over HTTP/1.1, and ends in good order: stops accepting, lets
/// requests finish, then the work in the background, then closes the pools, each within a
/// limit, and reports.
///
/// ```no_run
/// # async fn f(app: axum::Router, pool: sessionpool_core::AnyPool) -> std::io::Result<()> {
/// use sessionpool_axum::Server;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// let stop = async { drop(tokio::signal::ctrl_c().await) };
/// let report = Server::new(app).pools([pool]).serve(listener, stop).await;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
///
/// Connections that were upgraded (to a web socket) are the application's to end: they
/// count neither against `max_connections` nor as cut off.
///
/// It is a convenience: the layers do as well under `axum::serve`, which has no limits.
pub struct Server {
    app: Router,
    pools: Vec<AnyPool>,
    background: Background,
    max_connections: usize,
    head_limit: Duration,
    request_limit: Duration,
    background_limit: Duration,
    close_limit: Duration,
}

impl Server {
    /// With the defaults below.
    #[must_use]
    pub fn new(app: Router) -> Self {
        Self {
            app,
            pools: Vec::new(),
            background: Background::new(),
            max_connections: 10_000,
            head_limit: Duration::from_secs(30),
            request_limit: Duration::from_secs(20),
            background_limit: Duration::from_secs(10),
            close_limit: Duration::from_secs(5),
        }
    }

    /// Closes these in the end. Default: none.
    #[must_use]
    pub fn pools<P: Into<AnyPool>>(mut self, pools: impl IntoIterator<Item = P>) -> Self {
        self.pools.extend(pools.into_iter().map(Into::into));
        self
    }

    /// Where work of its requests goes on in the background, and what it waits for before
    /// it closes the pools. Default: one of its own. Layers that were
    /// [given](crate::UnitLayer::background) one use theirs.
    #[must_use]
    pub fn background(mut self, background: &Background) -> Self {
        self.background = background.clone();
        self
    }

    /// How many connections there are at most; more wait to be accepted. Default: 10,000.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How long a client may take to send a request's head, and may keep a connection
    /// idle. Default: 30 s.
    #[must_use]
    pub const fn head_limit(mut self, limit: Duration) -> Self {
        self.head_limit = limit;
        self
    }

    /// How long requests under way have to finish once the server stops, bodies
    /// included; then their connections are cut off, and their units rolled back.
    /// Default: 20 s.
    #[must_use]
    pub const fn request_limit(mut self, limit: Duration) -> Self {
        self.request_limit = limit;
        self
    }

    /// How long the background has to finish after that. Default: 10 s.
    #[must_use]
    pub const fn background_limit(mut self, limit: Duration) -> Self {
        self.background_limit = limit;
        self
    }

    /// How long the pools have to close after that, all at once. Default: 5 s.
    #[must_use]
    pub const fn close_limit(mut self, limit: Duration) -> Self {
        self.close_limit = limit;
        self
    }

    /// Serves until `stop` is ready, and ends as described above.
    ///
    /// # Cancel safety
    ///
    /// Dropped while serving, the connections are cut off and the pools left open.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> ShutdownReport {
        let mut connections = JoinSet::new();
        let stopping = CancellationToken::new();
        let places = Arc::new(Semaphore::new(self.max_connections));
        {
            let mut stop = pin!(stop);
            loop {
                tokio::select! {
                    () = &mut stop => break,
                    Some(_) = connections.join_next() => {}
                    (stream, peer, place) = accept(&listener, &places) => {
                        let connection = self.connection(stream, peer, stopping.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                }
            }
        }
        drop(listener);
        stopping.cancel();
        self.wind_up(connections).await
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stopping: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let background = self.background.clone();
        let app = self.app.clone().map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(background.clone());
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_limit)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
            .with_upgrades();
        async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%error, "a connection ended early");
            }
        }
    }

    async fn wind_up(self, mut connections: JoinSet<()>) -> ShutdownReport {
        let all_end = async { while connections.join_next().await.is_some() {} };
        let _ = time::timeout(self.request_limit, all_end).await; // late or not, it is counted
        let cut_off = connections.len();
        connections.abort_all();
        let all_gone = async { while connections.join_next().await.is_some() {} };
        let _ = time::timeout(CUTTING_OFF, all_gone).await; // a handler that blocks is not waited for
        let unfinished = self.background.finished(self.background_limit).await;
        let closing = self
            .pools
            .iter()
            .map(async |pool| (pool.name().map(str::to_owned), pool.close(self.close_limit).await));
        ShutdownReport { cut_off, unfinished, pools: join_all(closing).await }
    }
}

/// The next connection there is a place for.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("it is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => refused(error).await,
        }
    }
}

/// A client that has gone again is nothing; having no file descriptors left is, and
/// passes when others are closed.
async fn refused(error: io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        warn!(%error, "no connection could be accepted");
        time::sleep(Duration::from_millis(500)).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("pools", &self.pools).finish_non_exhaustive()
    }
}
