use std::borrow::Cow;
use std::sync::Arc;

use super::cell::Cell;
use super::column::Column;
use super::fetcher::{Form, Place};
use crate::wire::query::Fetched;
use crate::xml::Grid;
use crate::{Error, Result, choices};

/// Rows of a result, of all its columns or of some.
#[derive(Debug)]
pub(super) struct Window {
    /// The first row, from 0.
    pub(super) from: u64,
    pub(super) columns: Arc<[Column]>,
    grid: Grid,
}

/// Rows as cells.
#[derive(Debug)]
pub(super) struct Cells;

impl Form for Cells {
    type Window = Window;

    const HAS_CELLS: bool = true;

    fn format(&self) -> Cow<'static, str> {
        Cow::Borrowed(choices::FORMAT)
    }

    async fn window(&self, place: Place, fetched: Fetched) -> Result<Window> {
        Window::new(place, fetched)
    }

    fn end(window: &Window) -> u64 {
        window.to()
    }
}

impl Window {
    fn new(place: Place, fetched: Fetched) -> Result<Self> {
        let Place { from, to, columns } = place;
        let came = fetched.columns()?;
        if !came.iter().map(|column| &column.name).eq(columns.iter().map(|column| &column.name)) {
            return Err(Error::Columns { expected: names(&columns), found: names(&came) });
        }
        let grid = fetched.grid()?;
        let (expected, found) = (to - from, grid.rows() as u64);
        if found != expected {
            return Err(Error::RowCount { from, to, expected, found });
        }
        if found > 0 && grid.columns() != columns.len() {
            let found = format!("{} cells a row", grid.columns());
            return Err(Error::Columns { expected: names(&columns), found });
        }
        Ok(Self { from, columns, grid })
    }

    /// The row behind the last.
    pub(super) const fn to(&self) -> u64 {
        self.from + self.grid.rows() as u64
    }

    pub(super) const fn has(&self, row: u64) -> bool {
        self.from <= row && row < self.to()
    }

    /// A cell of a row that it has.
    #[inline]
    pub(super) fn cell(&self, row: u64, column: usize) -> Option<Cell<'_>> {
        let index = usize::try_from(row.checked_sub(self.from)?).ok()?;
        Some(Cell::new(self.grid.raw(index, column)?, self.columns.get(column)?, row))
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}
