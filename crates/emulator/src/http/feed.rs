//! Answers that take their time. The session stays busy until they are over.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::body::Outgoing;
use super::orders::{self, Orders};
use crate::transaction::Entry;

/// The body in pieces of so many bytes, with a pause before each.
pub(super) fn drip(
    body: Vec<u8>,
    entry: Option<Entry>,
    bytes: usize,
    pause: Duration,
    orders: watch::Receiver<Orders>,
) -> Outgoing {
    feed(entry, orders, |pieces| async move {
        for piece in body.chunks(bytes.max(1)) {
            tokio::time::sleep(pause).await;
            if pieces.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
        }
    })
}

/// The body but for what follows its last row, and then `piece` for ever.
pub(super) fn endless(
    mut body: Vec<u8>,
    entry: Option<Entry>,
    piece: Bytes,
    orders: watch::Receiver<Orders>,
) -> Outgoing {
    let end = b"</data>";
    if let Some(at) = body.windows(end.len()).rposition(|window| window == end) {
        body.truncate(at);
    }
    feed(entry, orders, |pieces| async move {
        let mut next = Bytes::from(body);
        while pieces.send(next).await.is_ok() {
            next = piece.clone();
        }
    })
}

fn feed<F>(
    entry: Option<Entry>,
    orders: watch::Receiver<Orders>,
    work: impl FnOnce(mpsc::Sender<Bytes>) -> F,
) -> Outgoing
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(1);
    let work = work(sender);
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = orders::stopped(orders) => {}
        }
        drop(entry);
    });
    Outgoing::Fed(pieces)
}
