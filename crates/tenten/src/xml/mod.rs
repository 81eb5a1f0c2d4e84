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

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use self::scan::Bulk;
pub(crate) use element::Element;
pub use flaw::{Flaw, XmlError};
pub(crate) use grid::{Grid, Raw, Room};
pub use limits::XmlLimits;
pub(crate) use text::{decode, text, unescape};

/// One answer of the gateway.
#[derive(Debug)]
pub(crate) struct Document {
    /// `<out>`, with an empty `<data/>` where the rows were, or an empty `<csv/>`.
    pub(crate) root: Element,
    /// The rows, where the answer has a `<data>`.
    pub(crate) grid: Option<Grid>,
    /// The text, where the answer has a `<csv>`.
    pub(crate) csv: Option<Bytes>,
}

/// Reads an answer: all of it, or an error that says where it stops making sense.
///
/// Takes time and memory in proportion to the bytes, whatever they are.
pub(crate) fn read(body: Vec<u8>, limits: &XmlLimits, room: Room) -> Result<Document, XmlError> {
    if body.len() > limits.max_bytes {
        return Err(XmlError::at(limits.max_bytes, Flaw::TooLong { limit: limits.max_bytes }));
    }
    match scan::bulk(&body, limits, room)? {
        None => Ok(Document { root: envelope::read(&[&body], limits)?, grid: None, csv: None }),
        Some(Bulk::Data(data)) => {
            let root = around(&body, &data.outer, "data", limits)?;
            if root.child("table").and_then(|table| table.child("data")).is_none() {
                let flaw = Flaw::Unexpected("data outside of a table");
                return Err(XmlError::at(data.outer.start, flaw));
            }
            let grid = Grid::new(body, data);
            Ok(Document { root, grid: Some(grid), csv: None })
        }
        Some(Bulk::Csv(csv)) => {
            let root = around(&body, &csv.outer, "csv", limits)?;
            let text = csv_text(&body.into(), csv.inner.clone());
            let text = text.map_err(|flaw| XmlError::at(csv.inner.start, flaw))?;
            Ok(Document { root, grid: None, csv: Some(text) })
        }
    }
}

/// The envelope around what was cut out, which leaves an empty element of that name.
fn around(
    body: &[u8],
    cut: &Range<usize>,
    name: &'static str,
    limits: &XmlLimits,
) -> Result<Element, XmlError> {
    let left = format!("<{name}/>");
    let pieces = [&body[..cut.start], left.as_bytes(), &body[cut.end..]];
    let root = envelope::read(&pieces, limits).map_err(|error| error.shifted(cut, left.len()))?;
    match root.all().iter().filter(|element| element.name == name).count() {
        1 => Ok(root),
        _ => Err(XmlError::at(cut.end, Flaw::Unexpected("a second table of rows"))),
    }
}

/// The bytes of a CSV text, in one CDATA section or several, or escaped; also where a
/// section's marks were escaped with it.
fn csv_text(body: &Bytes, inner: Range<usize>) -> Result<Bytes, Flaw> {
    let raw = body.slice(inner);
    if let Some(only) = text::only_section(raw.trim_ascii()) {
        return Ok(raw.slice_ref(only));
    }
    let text = match unescape(raw.trim_ascii_start())? {
        Cow::Borrowed(plain) => raw.slice_ref(plain),
        Cow::Owned(text) => text.into(),
    };
    let marked = text::only_section(text.trim_ascii()).map(|only| text.slice_ref(only));
    Ok(marked.unwrap_or(text))
}

#[cfg(test)]
mod tests;
