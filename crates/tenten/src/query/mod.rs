//! Queries and what they give: rows, windows of rows, columns.

mod base;
mod cell;
mod column;
mod csv;
mod fetcher;
mod from_cell;
mod number;
#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the query")]
mod query;
mod recent;
mod record;
mod row;
mod rows;
mod serde;
mod slice;
mod value;
mod window;
mod windows;

pub use base::BaseQuery;
pub use cell::Cell;
pub use column::{Column, ColumnType};
pub use csv::{Csv, CsvText};
pub use from_cell::FromCell;
pub use query::Query;
#[cfg(any(test, fuzzing))]
pub(crate) use record::Records;
pub use row::{ColumnIndex, Row};
pub use rows::{Rows, TypedRows};
pub use slice::{Slice, Values};
pub use value::Value;
