//! The proxy, in front of a server that says everything back.
#![cfg(feature = "proxy")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sessionpool_testkit::proxy::{Direction, Proxy, Then};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long something may take that is bound to happen.
const SOON: Duration = Duration::from_secs(20);

/// How long to look whether something happens that must not.
const A_WHILE: Duration = Duration::from_millis(100);

/// A server that says everything back, and notes what it heard.
struct Echo {
    address: SocketAddr,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(say_back(stream, sender.clone()));
            }
        });
        Self { address, heard }
    }

    /// What it hears, until `pattern`; nothing stands for the end.
    async fn hears(&mut self, pattern: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let piece = timeout(SOON, self.heard.recv()).await.expect("heard in time").unwrap();
            if piece.is_empty() {
                return all;
            }
            all.extend(piece);
            if !pattern.is_empty() && all.windows(pattern.len()).any(|window| window == pattern) {
                return all;
            }
        }
    }
}

async fn say_back(mut stream: TcpStream, heard: mpsc::UnboundedSender<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        let _ = heard.send(piece[..length].to_vec());
        if stream.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    let _ = heard.send(Vec::new());
}

struct Client(TcpStream);

impl Client {
    async fn of(proxy: &Proxy) -> Self {
        Self(TcpStream::connect(proxy.address()).await.unwrap())
    }

    async fn say(&mut self, words: &str) {
        self.0.write_all(words.as_bytes()).await.unwrap();
    }

    async fn hear(&mut self, length: usize) -> String {
        let mut words = vec![0; length];
        timeout(SOON, self.0.read_exact(&mut words)).await.expect("heard in time").unwrap();
        String::from_utf8(words).unwrap()
    }

    /// All that comes, and how it ends.
    async fn hear_out(&mut self) -> (String, Result<(), ErrorKind>) {
        let mut words = Vec::new();
        let end = timeout(SOON, self.0.read_to_end(&mut words)).await.expect("ended in time");
        (String::from_utf8(words).unwrap(), end.map(drop).map_err(|error| error.kind()))
    }

    async fn hears_nothing(&mut self) -> bool {
        timeout(A_WHILE, self.0.read_u8()).await.is_err()
    }
}

/// The end of a conversation that was cut off: `RST`.
const RESET: Result<(), ErrorKind> = Err(ErrorKind::ConnectionReset);

/// An echo server, a proxy in front, a client that has been answered once.
async fn conversation() -> (Echo, Proxy, Client) {
    let mut echo = Echo::start().await;
    let proxy = Proxy::to(echo.address).await;
    let mut client = Client::of(&proxy).await;
    client.say("hello").await;
    assert_eq!(client.hear(5).await, "hello");
    echo.hears(b"hello").await;
    (echo, proxy, client)
}

#[tokio::test]
async fn bytes_and_ends_pass() {
    let (mut echo, proxy, client) = conversation().await;
    let long = "x".repeat(1_000_000);
    let (mut reading, mut writing) = client.0.into_split();
    let written = async {
        writing.write_all(long.as_bytes()).await.unwrap();
        writing.shutdown().await.unwrap();
    };
    let mut back = String::new();
    let (read, ()) = tokio::join!(reading.read_to_string(&mut back), written);
    assert_eq!(read.unwrap(), long.len());
    assert!(back == long);
    assert_eq!(echo.hears(b"").await.len(), long.len());
    while proxy.connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn latency_is_added_each_way() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.set_latency(Duration::from_millis(30));
    let started = Instant::now();
    client.say("x").await;
    client.hear(1).await;
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn what_a_black_hole_took_arrives_when_it_is_healed() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.black_hole();
    client.say("anybody").await;
    assert!(client.hears_nothing().await);
    let mut late = Client::of(&proxy).await;
    late.say("there?").await;
    assert!(late.hears_nothing().await);
    proxy.heal();
    assert_eq!(client.hear(7).await, "anybody");
    assert_eq!(late.hear(6).await, "there?");
}

#[tokio::test]
async fn a_black_hole_opens_after_a_pattern() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToClient, "half", Then::BlackHole);
    client.say("half way").await;
    assert_eq!(client.hear(4).await, "half");
    assert!(client.hears_nothing().await);
    proxy.heal();
    assert_eq!(client.hear(4).await, " way");
}

#[tokio::test]
async fn a_black_hole_hides_ends_too() {
    let (mut echo, proxy, client) = conversation().await;
    proxy.black_hole();
    drop(client);
    assert!(timeout(A_WHILE, echo.heard.recv()).await.is_err());
    proxy.heal();
    assert_eq!(echo.hears(b"").await, b"");
}

#[tokio::test]
async fn all_connections_can_be_reset_and_closed() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.reset_all();
    assert_eq!(client.hear_out().await, (String::new(), RESET));

    let mut client = Client::of(&proxy).await;
    client.say("hello").await;
    client.hear(5).await;
    proxy.close_all();
    assert_eq!(client.hear_out().await, (String::new(), Ok(())));
}

#[tokio::test]
async fn refused_connections_are_reset_until_it_is_healed() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.refuse();
    assert_eq!(Client::of(&proxy).await.hear_out().await.1, RESET);
    client.say("still here").await;
    assert_eq!(client.hear(10).await, "still here");
    proxy.heal();
    let mut client = Client::of(&proxy).await;
    client.say("back").await;
    assert_eq!(client.hear(4).await, "back");
}

#[tokio::test]
async fn a_server_that_is_not_there_resets() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::to(gone).await;
    assert_eq!(Client::of(&proxy).await.hear_out().await.1, RESET);
}

#[tokio::test]
async fn a_connection_is_closed_after_a_pattern_to_the_server() {
    let (mut echo, proxy, mut client) = conversation().await;
    let trap = proxy.when(Direction::ToServer, "COMMIT", Then::Close);
    client.say("insert; COM").await;
    echo.hears(b"COM").await;
    assert!(!trap.has_sprung());
    client.say("MIT; more").await;
    trap.sprung().await;
    assert_eq!(echo.hears(b"").await, b"MIT");
    assert_eq!(client.hear_out().await.1, Ok(()));
}

#[tokio::test]
async fn a_connection_is_reset_after_a_pattern_to_the_client() {
    let (mut echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToClient, "yes", Then::Reset);
    client.say("yes and no").await;
    assert_eq!(client.hear_out().await.1, RESET);
    assert_eq!(echo.hears(b"").await, b"yes and no");
}

#[tokio::test]
async fn replies_are_withheld_after_a_pattern_to_the_server() {
    let (mut echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToServer, "COMMIT", Then::Withhold);
    client.say("insert; COMMIT;").await;
    echo.hears(b"insert; COMMIT;").await;
    assert!(client.hears_nothing().await);
    client.say("anybody?").await;
    echo.hears(b"anybody?").await;
    assert!(client.hears_nothing().await);
    drop(client);
    assert_eq!(echo.hears(b"").await, b"");
    while proxy.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn replies_are_withheld_after_a_pattern_to_the_client() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToClient, "yes", Then::Withhold);
    client.say("yes and no").await;
    assert_eq!(client.hear(3).await, "yes");
    assert!(client.hears_nothing().await);
}

#[tokio::test]
async fn the_reply_to_a_pattern_is_lost_after_the_server_acted() {
    let (mut echo, proxy, mut client) = conversation().await;
    let trap = proxy.when(Direction::ToServer, "COMMIT", Then::LoseReply);
    client.say("COMMIT").await;
    trap.sprung().await;
    assert_eq!(client.hear_out().await, (String::new(), RESET));
    assert_eq!(echo.hears(b"").await, b"COMMIT");
}

#[tokio::test]
async fn a_reply_with_a_pattern_is_lost() {
    let (mut echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToClient, "yes", Then::LoseReply);
    client.say("no, yes").await;
    let (heard, end) = client.hear_out().await;
    assert!("no, ".starts_with(&heard), "what came before may be cut off, too: {heard}");
    assert_eq!(end, RESET);
    assert_eq!(echo.hears(b"").await, b"no, yes");
}

#[tokio::test]
async fn a_trap_springs_once_and_not_when_it_is_disarmed() {
    let (_echo, proxy, mut client) = conversation().await;
    proxy.when(Direction::ToServer, "x", Then::Reset).disarm();
    proxy.when(Direction::ToServer, "y", Then::Reset);
    client.say("x").await;
    assert_eq!(client.hear(1).await, "x");
    client.say("y").await;
    assert_eq!(client.hear_out().await.1, RESET);
    let mut client = Client::of(&proxy).await;
    client.say("y").await;
    assert_eq!(client.hear(1).await, "y");
}

#[tokio::test]
async fn round_trips_are_counted_however_many_pieces_they_have() {
    let (_echo, proxy, mut client) = conversation().await;
    assert_eq!(proxy.round_trips(), 1);
    client.say("a").await;
    client.hear(1).await;
    assert_eq!(proxy.round_trips(), 2);
    proxy.black_hole(); // so that nothing is answered meanwhile
    for part in ["b", "c"] {
        let read = proxy.when(Direction::ToServer, part, Then::GoOn);
        client.say(part).await;
        read.sprung().await;
    }
    proxy.heal();
    client.hear(2).await;
    assert_eq!(proxy.round_trips(), 3);
}

#[tokio::test]
#[should_panic(expected = "an empty pattern is everywhere")]
async fn an_empty_pattern_is_refused() {
    let (_echo, proxy, _client) = conversation().await;
    proxy.when(Direction::ToServer, "", Then::Reset);
}
