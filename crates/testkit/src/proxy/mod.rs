//! A TCP proxy in the test's own process, which does to a connection what networks
//! do, at the moment the test says.

mod connection;
mod line;
mod trap;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use self::connection::{Ending, serve};
use self::line::Line;
pub use self::trap::{Direction, Then, Trap};

/// Stands between a client and a server, and fails as it is told.
///
/// It works on the runtime it was started on, and only while that runs: on a
/// current-thread runtime a test that blocks holds it up. When it is dropped, its
/// connections are closed.
///
/// ```
/// use sessionpool_testkit::proxy::{Direction, Proxy, Then};
/// # use std::net::SocketAddr;
/// # async fn example(server: SocketAddr) {
/// let proxy = Proxy::to(server).await;
/// let trap = proxy.when(Direction::ToServer, "COMMIT", Then::LoseReply);
/// // … a client of `proxy.address()` commits …
/// trap.sprung().await; // the server has committed, the client was not told
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Listens at a free loopback port, for connections to `server`.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) =
            bound.unwrap_or_else(|error| panic!("the proxy cannot listen: {error}"));
        let line = Arc::new(Line::default());
        let listening = tokio::spawn(listen(listener, server, Arc::clone(&line)));
        Self { address, line, listening }
    }

    /// [`to`](Self::to) a port at 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn to_port(port: u16) -> Self {
        Self::to((Ipv4Addr::LOCALHOST, port).into()).await
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, at 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Has everything take this long each way. Default: none.
    pub fn set_latency(&self, each_way: Duration) {
        self.line.change(|condition| condition.latency = each_way);
    }

    /// Lets nothing through any more, in either direction: the ends of connections
    /// neither. As when a network drops packets, nobody is told, and what was sent
    /// meanwhile arrives after [`heal`](Self::heal).
    ///
    /// New connections are accepted by the kernel and get no further.
    pub fn black_hole(&self) {
        self.line.change(|condition| condition.passes = false);
    }

    /// Resets new connections, as soon as they are accepted.
    pub fn refuse(&self) {
        self.line.change(|condition| condition.accepts = false);
    }

    /// Undoes [`black_hole`](Self::black_hole) and [`refuse`](Self::refuse).
    pub fn heal(&self) {
        self.line.change(|condition| (condition.passes, condition.accepts) = (true, true));
    }

    /// Resets every connection (`RST`), at both ends.
    pub fn reset_all(&self) {
        self.line.end_all(Ending::Reset);
    }

    /// Closes every connection (`FIN`), at both ends.
    pub fn close_all(&self) {
        self.line.end_all(Ending::Close);
    }

    /// Does something to the next connection that carries `pattern` in `direction`,
    /// once. Patterns are found across the borders of packets; of several that end in
    /// one place the one set first comes first.
    ///
    /// # Panics
    ///
    /// If the pattern is empty.
    pub fn when(&self, direction: Direction, pattern: impl AsRef<[u8]>, then: Then) -> Trap {
        self.line.set_trap(direction, pattern.as_ref(), then)
    }

    /// How many round trips there were on all connections: how often a client sent
    /// something after the server had spoken, or before it ever had. Logins and
    /// farewells count.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.line.round_trips()
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.line.connections()
    }

    /// How many connections were ever made, refused ones included.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.line.accepted()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Ends all connections when it is dropped.
async fn listen(listener: TcpListener, server: SocketAddr, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                let connection = connect(client, server, Arc::clone(&line));
                connections.spawn(async move { connection.await.unwrap_or_default() });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Errors end the connection, and are the business of its two ends.
async fn connect(client: TcpStream, server: SocketAddr, line: Arc<Line>) -> io::Result<()> {
    let registered = line.register();
    let reached = if line.accepts() {
        line.passable().await;
        TcpStream::connect(server).await
    } else {
        Err(io::ErrorKind::ConnectionRefused.into())
    };
    match reached {
        Ok(server) => serve(client, server, &line, registered).await,
        Err(_) => client.set_zero_linger(),
    }
}
