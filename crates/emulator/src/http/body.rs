use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::transaction::{Content, Reply};

/// The body of an answer: written piece by piece as the connection takes it.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Whole(Bytes),
    Reply(Reply),
    /// From a task that takes its time.
    Fed(mpsc::Receiver<Bytes>),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(std::mem::take(bytes)),
            Self::Reply(reply) => {
                let piece = reply.content.next();
                if reply.content.is_over() {
                    reply.entry = None; // before anybody can have read the end
                }
                piece
            }
            Self::Fed(pieces) => std::task::ready!(pieces.poll_recv(context)),
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Reply(reply) => reply.content.is_over(),
            Self::Fed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Reply(Reply { content: Content::Whole(bytes), .. }) => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            Self::Reply(_) | Self::Fed(_) => SizeHint::default(),
        }
    }
}
