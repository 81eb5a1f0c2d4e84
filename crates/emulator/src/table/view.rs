use std::sync::Arc;

use super::{Column, Table, TableError};

/// What a query makes of a table: which rows, in which order, and which columns.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) table: Arc<Table>,
    pub(crate) rows: Rows,
    /// Indices into the table's columns.
    pub(crate) columns: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// As in the table.
    All(usize),
    /// These, in this order.
    Picked(Arc<[u32]>),
}

impl View {
    /// The table as it is.
    pub(crate) fn whole(table: Arc<Table>) -> Self {
        let columns = (0..table.columns.len()).collect();
        Self { rows: Rows::All(table.rows), columns, table }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.rows {
            Rows::All(rows) => *rows,
            Rows::Picked(rows) => rows.len(),
        }
    }

    /// Where row `index` of the view stands in the table.
    #[inline]
    pub(crate) fn row(&self, index: usize) -> usize {
        match &self.rows {
            Rows::All(_) => index,
            Rows::Picked(rows) => rows[index] as usize,
        }
    }

    /// A table of its own.
    pub(crate) fn materialized(&self, path: &str) -> Result<Table, TableError> {
        let rows = || (0..self.len()).map(|index| self.row(index));
        Table::new(path, self.columns().map(|column| column.picked(rows())))
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|index| &self.table.columns[*index])
    }

    /// The column of this name, if it is among the view's.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.table.column(name).filter(|index| self.columns.contains(index))
    }
}
