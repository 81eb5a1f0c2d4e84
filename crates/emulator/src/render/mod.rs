//! Values, headings and rows as bytes.

mod format;
mod heading;
mod style;
mod value;
mod window;

pub(crate) use self::format::Format;
pub(crate) use self::heading::{cols, described_cols};
pub(crate) use self::style::{Csv, Layout, Pen, Style};
pub(crate) use self::window::{Slice, Window};
