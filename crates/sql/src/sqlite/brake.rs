use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::LockedSqliteHandle;

/// Stops the statement that a session's thread is at.
///
/// SQLite does not hear of a dropped future, but asks now and then, in the middle of a
/// statement, whether to go on. It does not ask while it waits for a lock; that ends with
/// the busy timeout.
///
/// When the session is dropped, whatever its thread is still at is stopped: nobody will
/// hear of it.
#[derive(Debug)]
pub(super) struct Brake(Arc<AtomicBool>);

/// How many of its instructions SQLite carries out between two questions: some
/// microseconds.
const BETWEEN: i32 = 1_000;

impl Brake {
    pub(super) fn fit(handle: &mut LockedSqliteHandle<'_>) -> Self {
        let pulled = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&pulled);
        handle.set_progress_handler(BETWEEN, move || !asked.load(Ordering::Acquire));
        Self(pulled)
    }

    /// Stops what is under way, and whatever comes next, until it is let go.
    pub(super) fn pull(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// To be called when nothing is under way.
    pub(super) fn let_go(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Drop for Brake {
    fn drop(&mut self) {
        self.pull();
    }
}
