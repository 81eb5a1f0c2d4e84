use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};

use super::cell::Cell;
use super::value::Value;
use crate::Result;

/// What a cell can be read as; for [`Row::get`](super::Row::get).
pub trait FromCell: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`Error::Cell`](crate::Error::Cell) says where it stands and what it is not.
    fn from_cell(cell: &Cell<'_>) -> Result<Self>;
}

/// For types whose N/A is nothing: an error without `Option`.
fn there<T>(cell: &Cell<'_>, value: Option<T>, wanted: &'static str) -> Result<T> {
    value.ok_or_else(|| cell.is_no(wanted))
}

impl FromCell for i64 {
    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        there(cell, cell.integer()?, "whole number")
    }
}

impl FromCell for i32 {
    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        let number = i64::from_cell(cell)?;
        Self::try_from(number).map_err(|_| cell.is_no("whole number of 32 bits"))
    }
}

impl FromCell for f64 {
    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        there(cell, cell.decimal()?, "decimal")
    }
}

impl FromCell for bool {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        match cell.integer()? {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(cell.is_no("0 or 1")),
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        cell.text().map(Cow::into_owned)
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        cell.bytes().map(Cow::into_owned)
    }
}

impl FromCell for Date {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        there(cell, cell.date()?, "day YYYYMMDD")
    }
}

impl FromCell for Time {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        there(cell, cell.time()?, "time HHMMSS")
    }
}

impl FromCell for DateTime {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        there(cell, cell.date_time()?, "number of days since 2035")
    }
}

impl FromCell for Value<'static> {
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        cell.value().map(Value::into_owned)
    }
}

/// `None` for N/A, and for a date or a time that is none.
impl<T: FromCell> FromCell for Option<T> {
    #[inline]
    fn from_cell(cell: &Cell<'_>) -> Result<Self> {
        if cell.is_na() {
            return Ok(None);
        }
        match T::from_cell(cell) {
            Err(_) if matches!(cell.value(), Ok(Value::Na)) => Ok(None),
            answer => answer.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::column::Column;
    use crate::xml::Raw;

    #[test]
    fn empty_text_is_n_a_however_it_is_written() {
        let column = Column::new("c", "C", "a", "");
        for (raw, expected) in [
            ("", None),
            ("<![CDATA[]]>", None),
            ("<![CDATA[]]><![CDATA[]]>", None),
            ("<![CDATA[ ]]>", Some(" ")),
            ("<![CDATA[]]>x", Some("x")),
        ] {
            let cell = Cell::new(Raw::Other(raw.as_bytes()), &column, 0);
            let text = Option::<String>::from_cell(&cell).expect("text");
            assert_eq!(text.as_deref(), expected, "{raw}");
            assert_eq!(cell.is_na(), expected.is_none(), "{raw}");
        }
    }
}
