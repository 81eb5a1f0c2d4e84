//! For the bench of this workspace, which measures the parser alone. No part of the
//! interface.

use bytes::Bytes;

use crate::xml::{self, Room, XmlError, XmlLimits};

/// Reads an answer with so many cells, about, as one from the gateway is read; answers
/// its rows and columns.
///
/// # Errors
///
/// It cannot be read.
pub fn parse(body: Bytes, likely_cells: usize) -> Result<(usize, usize), XmlError> {
    let room = Room::for_cells(likely_cells, body.len());
    let document = xml::read(body, &XmlLimits::default(), room)?;
    Ok(document.grid.map_or((0, 0), |grid| (grid.rows(), grid.columns())))
}
