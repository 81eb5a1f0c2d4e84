//! For the bench of this workspace, which measures the parser alone. No part of the
//! interface.

use crate::xml::{self, Grid, Room, XmlError, XmlLimits};

/// An answer that was read.
#[derive(Debug)]
pub struct Parsed(Option<Grid>);

/// Reads an answer with so many cells, about, as one from the gateway is read.
///
/// # Errors
///
/// It cannot be read.
pub fn parse(body: Vec<u8>, likely_cells: usize) -> Result<Parsed, XmlError> {
    let room = Room::for_cells(likely_cells, body.len());
    xml::read(body, &XmlLimits::default(), room).map(|document| Parsed(document.grid))
}

impl Parsed {
    /// Its rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.0.as_ref().map_or((0, 0), |grid| (grid.rows(), grid.columns()))
    }
}
