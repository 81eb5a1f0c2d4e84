use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};

use super::column::{Column, ColumnType, Meaning};
use super::query::outside;
use super::row::ColumnIndex;
use super::window::Window;
use crate::Result;

/// Some rows of a result, column by column: [`Query::slice`](super::Query::slice).
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    columns: Vec<Column>,
    values: Vec<Values>,
}

/// The values of one column; `None` is N/A.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Of whole numbers, 32 bits wide or 64.
    Integers(Vec<Option<i64>>),
    /// Of decimals.
    Decimals(Vec<Option<f64>>),
    /// Of text; N/A is empty.
    Texts(Vec<String>),
    /// Of days.
    Dates(Vec<Option<Date>>),
    /// Of times of day.
    Times(Vec<Option<Time>>),
    /// Of moments.
    DateTimes(Vec<Option<DateTime>>),
}

impl Slice {
    pub(super) fn of(columns: &[Column]) -> Self {
        let values = columns.iter().map(Values::of).collect();
        Self { columns: columns.to_vec(), values }
    }

    pub(super) fn take(&mut self, window: &Window, rows: Range<u64>) -> Result<()> {
        let mut columns = self.values.iter_mut().enumerate();
        columns.try_for_each(|(column, values)| values.take(window, column, rows.clone()))
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn nrows(&self) -> usize {
        self.values.first().map_or(0, Values::len)
    }

    /// The values of a column.
    ///
    /// # Errors
    ///
    /// There is no such column.
    pub fn values(&self, column: impl ColumnIndex) -> Result<&Values> {
        Ok(&self.values[column.find(&self.columns)?])
    }

    /// Columns and values by name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.columns.iter().map(|column| column.name.as_str()).zip(&self.values)
    }
}

impl Values {
    pub(super) const fn of(column: &Column) -> Self {
        match column.meaning() {
            Meaning::Text => Self::Texts(Vec::new()),
            Meaning::Date => Self::Dates(Vec::new()),
            Meaning::Time => Self::Times(Vec::new()),
            Meaning::DateTime => Self::DateTimes(Vec::new()),
            Meaning::Number => match column.kind {
                ColumnType::Decimal => Self::Decimals(Vec::new()),
                _ => Self::Integers(Vec::new()),
            },
        }
    }

    pub(super) fn take(&mut self, window: &Window, column: usize, rows: Range<u64>) -> Result<()> {
        let cells = rows.map(|row| window.cell(row, column).ok_or_else(|| outside(row)));
        for cell in cells {
            let cell = cell?;
            match self {
                Self::Integers(values) => values.push(cell.integer()?),
                Self::Decimals(values) => values.push(cell.decimal()?),
                Self::Texts(values) => values.push(cell.text()?.into_owned()),
                Self::Dates(values) => values.push(cell.date()?),
                Self::Times(values) => values.push(cell.time()?),
                Self::DateTimes(values) => values.push(cell.date_time()?),
            }
        }
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Decimals(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Dates(values) => values.len(),
            Self::Times(values) => values.len(),
            Self::DateTimes(values) => values.len(),
        }
    }

    /// True if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
