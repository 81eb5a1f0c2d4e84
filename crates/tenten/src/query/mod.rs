//! Queries and what they give: rows, windows of rows, columns.

mod base;
mod cell;
mod column;
mod fetcher;
mod from_cell;
#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the query")]
mod query;
mod recent;
mod row;
mod rows;
mod serde;
mod slice;
mod window;

pub use base::BaseQuery;
pub use cell::{Cell, Value};
pub use column::{Column, ColumnType};
pub use from_cell::FromCell;
pub use query::Query;
pub use row::{ColumnIndex, Row};
pub use rows::{Rows, TypedRows};
pub use slice::{Slice, Values};
