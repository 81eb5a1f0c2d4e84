use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Column, Table, table};
use crate::protocol::{Refusal, rc};

/// The tables as they are at one instant. A session keeps the one of its start.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    tables: BTreeMap<String, Arc<Table>>,
}

impl Default for Catalog {
    /// With `default.lonely`, the customary base table of one row.
    fn default() -> Self {
        let mut catalog = Self { tables: BTreeMap::new() };
        if let Ok(lonely) = Table::new("default.lonely", [Column::integer("lonely", [Some(1)])]) {
            catalog.put(lonely);
        }
        catalog
    }
}

impl Catalog {
    /// Adds a table, or puts it in the place of the one that is there.
    pub(crate) fn put(&mut self, table: impl Into<Arc<Table>>) {
        let table = table.into();
        self.tables.insert(table.path.clone(), table);
    }

    /// What is there where a table is to be saved, if it can be.
    pub(crate) fn place(&self, path: &str) -> Result<Option<Arc<Table>>, Refusal> {
        if !table::is_path(path) {
            return Err(Refusal::fixed(rc::INVALID_TABLE_NAME, "Invalid table name"));
        }
        let directory = path.rsplit_once('.').map_or("", |(directory, _)| directory);
        if directory.rsplit('.').next() == Some("uploads") {
            let msg = "Cannot save into the uploads directory";
            return Err(Refusal::fixed(rc::NOT_INTO_UPLOADS, msg));
        }
        if !self.has_directory(directory) {
            return Err(Refusal::new(rc::NO_DIRECTORY, format!("No such directory: {directory}")));
        }
        Ok(self.tables.get(path).cloned())
    }

    pub(crate) fn find(&self, path: &str) -> Result<Arc<Table>, Refusal> {
        if !table::is_path(path) {
            return Err(Refusal::fixed(rc::INVALID_TABLE_NAME, "Invalid table name"));
        }
        if let Some(table) = self.tables.get(path) {
            return Ok(Arc::clone(table));
        }
        let directory = path.rsplit_once('.').map_or("", |(directory, _)| directory);
        if self.has_directory(directory) {
            Err(Refusal::new(rc::NO_TABLE, format!("No such table: {path}")))
        } else {
            Err(Refusal::new(
                rc::NO_DIRECTORY_OR_TABLE,
                format!("No such directory or table: {path}"),
            ))
        }
    }

    fn has_directory(&self, directory: &str) -> bool {
        let within =
            |path: &String| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('.'));
        directory.is_empty() || self.tables.keys().any(within)
    }
}
