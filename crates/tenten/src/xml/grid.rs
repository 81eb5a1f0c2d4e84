use std::fmt;

use super::scan::Data;

/// The cells of one answer: its body, and where each cell stands in it.
///
/// Row by row, so a row is a run of spans. Eight bytes a cell beside the body.
pub(crate) struct Grid {
    body: Body,
    spans: Vec<Span>,
    rows: usize,
    columns: usize,
}

/// Most answers are text, which is seen once for all cells.
enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

/// A cell as it stands in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Raw<'a> {
    /// Text that stands for itself.
    Plain(&'a str),
    /// Whatever else: references and CDATA sections unresolved, Latin-1.
    Other(&'a [u8]),
}

/// Where a cell's raw bytes begin and end. The end's highest bit tells what is not plain:
/// no body is as long as that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

const NOT_PLAIN: u32 = 1 << 31;

/// Room for the places of cells. It is made by whoever will drop the grid, not where the
/// answer is read: memory that one thread asks for and another gives back is long in
/// coming back to the system.
#[derive(Debug, Default)]
pub(crate) struct Room(pub(super) Vec<Span>);

/// `<td/>`.
const SHORTEST_CELL: usize = 5;

impl Room {
    /// For so many cells, if a body of that length can hold them.
    pub(crate) fn for_cells(likely: usize, body: usize) -> Self {
        Self(Vec::with_capacity(likely.min(body / SHORTEST_CELL)))
    }
}

impl Span {
    /// Of a body whose length fits, by the limit it was read with.
    #[inline]
    pub(super) const fn new(start: usize, end: usize, is_plain: bool) -> Self {
        let mark = if is_plain { 0 } else { NOT_PLAIN };
        Self { start: start as u32, end: end as u32 | mark }
    }
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl<'a> Raw<'a> {
    #[inline]
    pub(crate) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Other(bytes) => bytes,
        }
    }
}

impl Grid {
    pub(super) fn new(body: Vec<u8>, data: Data) -> Self {
        let body = match String::from_utf8(body) {
            Ok(text) => Body::Text(text),
            Err(error) => Body::Bytes(error.into_bytes()),
        };
        Self { body, spans: data.spans, rows: data.rows, columns: data.columns }
    }

    /// How long the answer was.
    pub(crate) fn bytes(&self) -> usize {
        self.body.bytes().len()
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Cells of each row; zero while there is no row.
    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// A cell as it stands in the answer.
    #[inline]
    pub(crate) fn raw(&self, row: usize, column: usize) -> Option<Raw<'_>> {
        if row >= self.rows || column >= self.columns {
            return None;
        }
        let span = self.spans.get(row * self.columns + column)?;
        let place = span.start as usize..(span.end & !NOT_PLAIN) as usize;
        match &self.body {
            Body::Text(text) if span.end & NOT_PLAIN == 0 => text.get(place).map(Raw::Plain),
            body => body.bytes().get(place).map(Raw::Other),
        }
    }
}

/// How much it is: megabytes belong in no log.
impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("rows", &self.rows)
            .field("columns", &self.columns)
            .field("bytes", &self.bytes())
            .finish()
    }
}
