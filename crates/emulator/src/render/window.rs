use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{Pen, Style};
use crate::table::{Column, View};

/// Rows are written in pieces of about this many bytes, so that an answer takes no
/// more memory than a piece, however long it is.
const PIECE: usize = 64 * 1024;

/// An answer with rows in it: what comes before, the rows, what comes after.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) before: Vec<u8>,
    pub(crate) rows: Slice,
    pub(crate) after: String,
}

/// Which part of a view, and how it is written.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) view: Arc<View>,
    /// Indices into the table's columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) range: Range<usize>,
    pub(crate) style: Style,
}

impl Window {
    /// The next piece; nothing when all was given.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let mut piece = std::mem::take(&mut self.before);
        self.rows.write(&mut piece);
        if self.rows.range.is_empty() {
            piece.extend_from_slice(std::mem::take(&mut self.after).as_bytes());
        }
        (!piece.is_empty()).then(|| piece.into())
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.after.is_empty() && self.before.is_empty()
    }
}

impl Slice {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|index| &self.view.table.columns[*index])
    }

    fn write(&mut self, piece: &mut Vec<u8>) {
        if self.range.is_empty() {
            return;
        }
        piece.reserve(PIECE + PIECE / 8);
        let table = &self.view.table;
        let pens: Vec<Pen<'_>> =
            self.columns.iter().map(|index| self.style.pen(&table.columns[*index])).collect();
        while piece.len() < PIECE {
            let Some(row) = self.range.next() else { break };
            self.style.row(piece, &pens, self.view.row(row));
        }
    }
}
