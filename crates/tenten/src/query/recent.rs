use super::window::Window;
use std::sync::Arc;

/// The windows fetched last: of all columns, or of single ones.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<(Columns, Arc<Window>)>);

/// One column, or all.
pub(super) type Columns = Option<usize>;

/// Who reads a few columns side by side, cell by cell, fetches each window once.
const KEPT: usize = 8;

impl Recent {
    /// The window of these columns that has `row`.
    pub(super) fn get(&self, columns: Columns, row: u64) -> Option<&Arc<Window>> {
        let window = self.0.iter().find(|(of, _)| *of == columns).map(|(_, window)| window);
        window.filter(|window| window.has(row))
    }

    /// Makes room for one of these columns.
    pub(super) fn make_room(&mut self, columns: Columns) {
        self.0.retain(|(of, _)| *of != columns);
        let surplus = (self.0.len() + 1).saturating_sub(KEPT);
        self.0.drain(..surplus);
    }

    pub(super) fn put(&mut self, columns: Columns, window: &Arc<Window>) {
        self.make_room(columns);
        self.0.push((columns, Arc::clone(window)));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
