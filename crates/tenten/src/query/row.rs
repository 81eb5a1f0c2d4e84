use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::cell::Cell;
use super::column::Column;
use super::from_cell::FromCell;
use super::query::outside;
use super::serde::RowDeserializer;
use super::window::Window;
use crate::{Error, Result, xml};

/// One row of a result. Keeps the window it came in.
#[derive(Clone)]
pub struct Row {
    window: Arc<Window>,
    number: u64,
}

/// A column, by its name or its position from 0.
pub trait ColumnIndex {
    /// Its position.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]: there is none, and which there are.
    fn find(self, columns: &[Column]) -> Result<usize>;
}

impl Row {
    pub(super) const fn new(window: Arc<Window>, number: u64) -> Self {
        Self { window, number }
    }

    /// Its number in the result, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.window.columns
    }

    /// A value as a `T`; `Option<T>` where it may be N/A.
    ///
    /// # Errors
    ///
    /// There is no such column, or the value is no `T`.
    #[inline]
    pub fn get<T: FromCell>(&self, column: impl ColumnIndex) -> Result<T> {
        T::from_cell(&self.cell(column)?)
    }

    /// A value as it stands there.
    ///
    /// # Errors
    ///
    /// There is no such column.
    #[inline]
    pub fn cell(&self, column: impl ColumnIndex) -> Result<Cell<'_>> {
        let column = column.find(&self.window.columns)?;
        self.window.cell(self.number, column).ok_or_else(|| outside(self.number))
    }

    /// The row as a `T`, whose fields are named like columns.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn read<'r, T: Deserialize<'r>>(&'r self) -> Result<T> {
        T::deserialize(RowDeserializer::new(self)).map_err(Into::into)
    }
}

/// Its own cells, and none of the window's others.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.columns().iter().enumerate().map(|(column, of)| {
            let cell = self.window.cell(self.number, column);
            (&of.name, xml::decode(cell.map_or(&[], |cell| cell.raw())))
        });
        f.debug_map().entries(cells).finish()
    }
}

impl ColumnIndex for usize {
    #[inline]
    fn find(self, columns: &[Column]) -> Result<usize> {
        match self < columns.len() {
            true => Ok(self),
            false => Err(Error::Shape(format!("there is no column {self}, of {}", columns.len()))),
        }
    }
}

impl ColumnIndex for &str {
    fn find(self, columns: &[Column]) -> Result<usize> {
        columns.iter().position(|column| column.name == self).ok_or_else(|| {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            Error::Shape(format!("there is no column {self:?} among {}", names.join(", ")))
        })
    }
}
