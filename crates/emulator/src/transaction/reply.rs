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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::render::{Layout, Slice, Style};
    use crate::table::{Column, Table, View};

    fn window(rows: i32) -> Content {
        let table = Table::new("t", [Column::integer("n", (0..rows).map(Some))]).unwrap();
        let view = Arc::new(View::whole(Arc::new(table)));
        let style = Style { layout: Layout::Xml, formatted: false, infinity_is_na: false };
        let range = 0..view.len();
        let rows = Slice { view, columns: vec![0], range, style };
        Content::Window(Box::new(Window { before: b"<".to_vec(), rows, after: ">".to_owned() }))
    }

    #[test]
    fn content_is_over_with_its_last_piece_and_not_before() {
        for (mut content, pieces) in
            [(Content::Whole(Bytes::from_static(b"all")), 1), (window(0), 1), (window(10_000), 4)]
        {
            for piece in 1..=pieces {
                assert!(!content.is_over());
                assert!(content.next().is_some());
                assert_eq!(content.is_over(), piece == pieces, "piece {piece} of {pieces}");
            }
            assert!(content.next().is_none());
        }
    }
}
