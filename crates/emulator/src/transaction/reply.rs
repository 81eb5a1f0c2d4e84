use bytes::Bytes;

use super::Entry;
use crate::protocol::{Output, Refusal, Version, rc};
use crate::render::Window;

/// What a transaction came to.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) rc: u16,
    pub(crate) content: Content,
    /// Keeps the session's turn until the answer is out.
    pub(crate) entry: Option<Entry>,
}

/// An answer's body.
#[derive(Debug)]
pub(crate) enum Content {
    Whole(Bytes),
    Window(Box<Window>),
}

impl Reply {
    pub(crate) fn refusal(version: Version, refusal: &Refusal) -> Self {
        Self::whole(refusal.rc, Output::refusal(version, refusal))
    }

    /// Success, and a message.
    pub(crate) fn message(version: Version, msg: &str) -> Self {
        Self::whole(rc::OK, Output::message(version, rc::OK, msg))
    }

    /// Success, and all that `output` says.
    pub(crate) fn success(output: Output) -> Self {
        Self::whole(rc::OK, output.finish())
    }

    pub(crate) fn window(window: Window) -> Self {
        Self { rc: rc::OK, content: Content::Window(Box::new(window)), entry: None }
    }

    pub(crate) fn with(mut self, entry: Entry) -> Self {
        self.entry = Some(entry);
        self
    }

    /// The whole body, and what keeps the session's turn.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Option<Entry>) {
        (self.content.collect(), self.entry)
    }

    fn whole(rc: u16, bytes: Vec<u8>) -> Self {
        Self { rc, content: Content::Whole(bytes.into()), entry: None }
    }
}

impl Content {
    /// The next piece; nothing when all was given.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(std::mem::take(bytes)),
            Self::Window(window) => window.next(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Window(window) => window.is_over(),
        }
    }

    /// All that is left.
    pub(crate) fn collect(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = self.next() {
            all.extend_from_slice(&piece);
        }
        all
    }
}
