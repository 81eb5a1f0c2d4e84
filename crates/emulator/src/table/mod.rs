//! Tables, and what a query makes of one.

mod catalog;
mod column;
mod csv;
mod error;
mod strings;
mod synthetic;
#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the table")]
mod table;
mod view;

pub(crate) use self::catalog::Catalog;
pub use self::column::Column;
pub(crate) use self::column::{Cell, Values};
pub use self::error::TableError;
pub(crate) use self::strings::Strings;
pub(crate) use self::table::Descriptions;
pub use self::table::Table;
pub(crate) use self::view::{Rows, View};
