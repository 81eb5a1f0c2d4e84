use bytes::Bytes;

use super::scan::Data;

/// The cells of one answer: its body, and where each cell stands in it.
///
/// Row by row, so a row is a run of spans. Eight bytes a cell beside the body.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    body: Bytes,
    spans: Vec<Span>,
    rows: usize,
    columns: usize,
}

/// Where a cell's raw bytes begin and end.
pub(crate) type Span = (u32, u32);

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

impl Grid {
    pub(super) fn new(body: Bytes, data: Data) -> Self {
        Self { body, spans: data.spans, rows: data.rows, columns: data.columns }
    }

    /// How long the answer was.
    pub(crate) const fn bytes(&self) -> usize {
        self.body.len()
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Cells of each row; zero while there is no row.
    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// A cell as it stands in the answer, references unresolved.
    pub(crate) fn raw(&self, row: usize, column: usize) -> Option<&[u8]> {
        if row >= self.rows || column >= self.columns {
            return None;
        }
        let (start, end) = *self.spans.get(row * self.columns + column)?;
        self.body.get(start as usize..end as usize)
    }
}
