//! What the gateway answers: an envelope of a few elements around, sometimes, a
//! table of many cells.
//!
//! The cells are scanned by [`scan`], byte by byte and without an event each; the
//! envelope, which is what remains when the rows are cut out, is read by quick-xml
//! into a small tree. Both know where they stop and why.

mod element;
mod envelope;
mod flaw;
mod grid;
mod limits;
mod scan;
mod text;

use bytes::Bytes;

pub(crate) use element::Element;
pub use flaw::{Flaw, XmlError};
pub(crate) use grid::{Grid, Room};
pub use limits::XmlLimits;
pub(crate) use text::{decode, text, unescape};

/// One answer of the gateway.
#[derive(Debug)]
pub(crate) struct Document {
    /// `<out>`, with an empty `<data/>` where the rows were.
    pub(crate) root: Element,
    /// The rows, where the answer has a `<data>`.
    pub(crate) grid: Option<Grid>,
}

/// Reads an answer: all of it, or an error that says where it stops making sense.
///
/// Takes time and memory in proportion to the bytes, whatever they are.
pub(crate) fn read(body: Bytes, limits: &XmlLimits, room: Room) -> Result<Document, XmlError> {
    if body.len() > limits.max_bytes {
        return Err(XmlError::at(limits.max_bytes, Flaw::TooLong { limit: limits.max_bytes }));
    }
    let Some(data) = scan::data(&body, limits, room)? else {
        return Ok(Document { root: envelope::read(&[&body], limits)?, grid: None });
    };
    let pieces = [&body[..data.outer.start], b"<data/>", &body[data.outer.end..]];
    let root = envelope::read(&pieces, limits).map_err(|error| error.shifted(&data.outer))?;
    if root.child("table").and_then(|table| table.child("data")).is_none() {
        return Err(XmlError::at(data.outer.start, Flaw::Unexpected("data outside of a table")));
    }
    let grid = Grid::new(body, data);
    Ok(Document { root, grid: Some(grid) })
}

#[cfg(test)]
mod tests;
