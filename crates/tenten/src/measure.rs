//! For the bench of this workspace, which measures the parser alone. No part of the
//! interface.

use bytes::Bytes;

use crate::xml::{self, XmlError, XmlLimits};

/// Reads an answer as one from the gateway is read; answers its rows and columns.
///
/// # Errors
///
/// It cannot be read.
pub fn parse(body: Bytes) -> Result<(usize, usize), XmlError> {
    let document = xml::read(body, &XmlLimits::default())?;
    Ok(document.grid.map_or((0, 0), |grid| (grid.rows(), grid.columns())))
}
