use sessionpool_core::{Savepoint, TxOptions};

/// A unit of work as the remote end sees it: rows nobody else can see yet, and
/// marks among them.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) conflict: bool,
    pub(super) options: TxOptions,
    pub(super) rows: Vec<String>,
    marks: Vec<(Savepoint, usize)>,
}

impl Transaction {
    pub(super) const fn new(options: TxOptions) -> Self {
        Self { conflict: false, options, rows: Vec::new(), marks: Vec::new() }
    }

    pub(super) fn mark(&mut self, savepoint: Savepoint) {
        self.marks.push((savepoint, self.rows.len()));
    }

    pub(super) fn has(&self, savepoint: Savepoint) -> bool {
        self.marks.iter().any(|(mark, _)| *mark == savepoint)
    }

    /// Forgets the mark and those inside it; says how many rows came before it.
    pub(super) fn forget(&mut self, savepoint: Savepoint) -> Option<usize> {
        let at = self.marks.iter().position(|(mark, _)| *mark == savepoint)?;
        let (_, rows) = self.marks[at];
        self.marks.truncate(at);
        Some(rows)
    }

    /// Undoes the work since the mark.
    pub(super) fn return_to(&mut self, savepoint: Savepoint) {
        if let Some(rows) = self.forget(savepoint) {
            self.rows.truncate(rows);
        }
    }
}
