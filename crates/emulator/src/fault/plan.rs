use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;

/// What happens to a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) before: Duration,
    pub(crate) during: Duration,
    pub(crate) after: Duration,
    pub(crate) held: bool,
    pub(crate) held_reply: bool,
    pub(crate) executed: Option<bool>,
    pub(crate) headers: HeaderMap,
    pub(crate) ending: Ending,
}

/// What is answered.
#[derive(Clone, Default)]
pub(crate) enum Ending {
    /// The truth.
    #[default]
    Answer,
    Rc(u16, String),
    Status(StatusCode, Bytes),
    Body(Bytes),
    Edit(Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// This many bytes of the body, under a `Content-Length` that promises all.
    Truncate(usize),
    /// This many bytes of the body, in chunks whose end does not come.
    CutChunks(usize),
    Drip(usize, Duration),
    Endless(Bytes),
    Raw(Bytes),
    Hang,
    Close,
}

impl Plan {
    pub(crate) fn is_executed(&self) -> bool {
        self.executed.unwrap_or(match self.ending {
            Ending::Rc(..) | Ending::Status(..) | Ending::Body(_) | Ending::Raw(_) => false,
            Ending::Answer
            | Ending::Edit(_)
            | Ending::Truncate(_)
            | Ending::CutChunks(_)
            | Ending::Drip(..)
            | Ending::Endless(_)
            | Ending::Hang
            | Ending::Close => true,
        })
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("Answer"),
            Self::Rc(rc, msg) => write!(f, "Rc({rc}, {msg:?})"),
            Self::Status(status, body) => write!(f, "Status({status}, {} bytes)", body.len()),
            Self::Body(body) => write!(f, "Body({} bytes)", body.len()),
            Self::Edit(_) => f.write_str("Edit"),
            Self::Truncate(bytes) => write!(f, "Truncate({bytes})"),
            Self::CutChunks(bytes) => write!(f, "CutChunks({bytes})"),
            Self::Drip(bytes, pause) => write!(f, "Drip({bytes}, {pause:?})"),
            Self::Endless(piece) => write!(f, "Endless({} bytes)", piece.len()),
            Self::Raw(bytes) => write!(f, "Raw({} bytes)", bytes.len()),
            Self::Hang => f.write_str("Hang"),
            Self::Close => f.write_str("Close"),
        }
    }
}
