use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_timer::Delay;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::line::{Line, Registered};
use super::trap::{Direction, Find, Then, Watch};

/// How a connection is ended, not by its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Close,
    Reset,
}

/// Passes bytes on in both directions, until both have ended, or the connection.
pub(super) async fn serve(
    mut client: TcpStream,
    mut server: TcpStream,
    line: &Line,
    registered: Registered,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let state = State::new(line, &registered);
    let ending = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            passed = async { tokio::try_join!(
                state.pass(Direction::ToServer, from_client, to_server),
                state.pass(Direction::ToClient, from_server, to_client),
            ) } => passed.map_or(Ending::Reset, |_| Ending::Close),
            ending = registered.ended() => ending,
        }
    };
    if ending == Ending::Reset {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

/// Comes back then, and not up to a millisecond later as tokio's timers do: who takes a
/// little longer to ask would pay a whole one for it.
async fn until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        Delay::new(left).await;
    }
}

/// What the two directions of a connection share.
struct State<'c> {
    line: &'c Line,
    registered: &'c Registered,
    client_spoke_last: AtomicBool,
    /// The client hears nothing more.
    withheld: AtomicBool,
    /// The connection is reset when the server says something.
    loses_reply: AtomicBool,
}

/// Bytes on their way.
enum Parcel {
    Bytes(Vec<u8>),
    /// The connection ends, after what was sent before.
    End(Ending),
    /// Nothing is delivered any more.
    Withhold,
    /// Nothing is delivered on the whole line.
    BlackHole,
}

/// How many parcels may be on their way; whoever sends more waits.
const ROOM: usize = 256;

impl<'c> State<'c> {
    const fn new(line: &'c Line, registered: &'c Registered) -> Self {
        Self {
            line,
            registered,
            client_spoke_last: AtomicBool::new(false),
            withheld: AtomicBool::new(false),
            loses_reply: AtomicBool::new(false),
        }
    }

    async fn pass(
        &self,
        direction: Direction,
        from: ReadHalf<'_>,
        to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let (sender, receiver) = mpsc::channel(ROOM);
        tokio::try_join!(
            self.collect(direction, from, sender),
            self.deliver(direction, to, receiver)
        )
        .map(drop)
    }

    /// Reads what is sent, and notes when each piece is due.
    async fn collect(
        &self,
        direction: Direction,
        mut from: ReadHalf<'_>,
        parcels: mpsc::Sender<(Instant, Parcel)>,
    ) -> io::Result<()> {
        let mut watch = Watch::default();
        loop {
            let mut piece = Vec::with_capacity(16 * 1024);
            if from.read_buf(&mut piece).await? == 0 {
                return Ok(());
            }
            self.note(direction);
            let find = watch.look(&self.line.snares(direction), &piece);
            let due = Instant::now() + self.line.latency();
            for parcel in self.pack(direction, piece, find) {
                if parcels.send((due, parcel)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// Delivers what is due, while something gets through, and the end at the end.
    async fn deliver(
        &self,
        direction: Direction,
        mut to: WriteHalf<'_>,
        mut parcels: mpsc::Receiver<(Instant, Parcel)>,
    ) -> io::Result<()> {
        while let Some((due, parcel)) = parcels.recv().await {
            until(due).await;
            self.line.passable().await;
            match parcel {
                Parcel::Bytes(_) if self.withholds(direction) => {}
                Parcel::Bytes(bytes) => to.write_all(&bytes).await?,
                Parcel::End(ending) => self.registered.end(ending),
                Parcel::BlackHole => self.line.change(|condition| condition.passes = false),
                Parcel::Withhold => self.withheld.store(true, Ordering::Relaxed),
            }
        }
        self.line.passable().await;
        match direction {
            // Not even the end is heard.
            Direction::ToClient if self.withholds(direction) => pending().await,
            Direction::ToClient => to.shutdown().await,
            Direction::ToServer => {
                to.shutdown().await?;
                if self.withheld.load(Ordering::Relaxed) {
                    self.registered.end(Ending::Close); // there is nobody left to hear
                }
                Ok(())
            }
        }
    }

    /// Counts round trips, and loses replies.
    fn note(&self, direction: Direction) {
        let by_client = direction == Direction::ToServer;
        let client_spoke_last = self.client_spoke_last.swap(by_client, Ordering::Relaxed);
        if by_client && !client_spoke_last {
            self.line.count_trip();
        }
        if !by_client && self.loses_reply.load(Ordering::Relaxed) {
            self.registered.end(Ending::Reset);
        }
    }

    fn withholds(&self, direction: Direction) -> bool {
        direction == Direction::ToClient
            && (self.withheld.load(Ordering::Relaxed) || self.loses_reply.load(Ordering::Relaxed))
    }

    /// Makes parcels of a piece and of what was found in it.
    fn pack(&self, direction: Direction, mut piece: Vec<u8>, find: Option<Find>) -> Vec<Parcel> {
        let Some(Find { then, from, to }) = find else { return vec![Parcel::Bytes(piece)] };
        match (direction, then) {
            (_, Then::GoOn) => vec![Parcel::Bytes(piece)],
            (_, Then::BlackHole) => {
                let rest = piece.split_off(to);
                vec![Parcel::Bytes(piece), Parcel::BlackHole, Parcel::Bytes(rest)]
            }
            (_, Then::Close | Then::Reset) => {
                piece.truncate(to);
                let ending = if then == Then::Close { Ending::Close } else { Ending::Reset };
                vec![Parcel::Bytes(piece), Parcel::End(ending)]
            }
            (Direction::ToServer, Then::Withhold) => {
                self.withheld.store(true, Ordering::Relaxed);
                vec![Parcel::Bytes(piece)]
            }
            (Direction::ToServer, Then::LoseReply) => {
                self.loses_reply.store(true, Ordering::Relaxed);
                vec![Parcel::Bytes(piece)]
            }
            (Direction::ToClient, Then::Withhold) => {
                piece.truncate(to);
                vec![Parcel::Bytes(piece), Parcel::Withhold]
            }
            (Direction::ToClient, Then::LoseReply) => {
                piece.truncate(from);
                vec![Parcel::Bytes(piece), Parcel::End(Ending::Reset)]
            }
        }
    }
}
