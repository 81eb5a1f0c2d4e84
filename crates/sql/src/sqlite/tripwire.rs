use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::LockedSqliteHandle;

/// Watches over a transaction of ours for an end that is not ours.
///
/// Some errors make SQLite roll back on its own (a full disk, no memory, an
/// `ON CONFLICT ROLLBACK`), and what is sent later would then be committed
/// statement by statement, under a unit of work that believes itself whole. A
/// borrower's own `ROLLBACK` and `COMMIT` do the same.
///
/// SQLite calls its hooks before it answers the statement, so the flags are set by
/// the time the answer is here. `ROLLBACK TO` a savepoint trips nothing.
#[derive(Debug)]
pub(super) struct Tripwire {
    armed: bool,
    ends: Arc<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    rolled_back: AtomicBool,
    committed: AtomicBool,
}

impl Tripwire {
    pub(super) fn stretch(handle: &mut LockedSqliteHandle<'_>) -> Self {
        let ends = Arc::new(Ends::default());
        let seen = Arc::clone(&ends);
        handle.set_rollback_hook(move || seen.rolled_back.store(true, Ordering::Release));
        let seen = Arc::clone(&ends);
        handle.set_commit_hook(move || {
            seen.committed.store(true, Ordering::Release);
            true // go on and commit
        });
        Self { armed: false, ends }
    }

    /// To be called when a transaction has begun and nothing else runs.
    pub(super) fn arm(&mut self) {
        self.ends.rolled_back.store(false, Ordering::Release);
        self.ends.committed.store(false, Ordering::Release);
        self.armed = true;
    }

    pub(super) const fn disarm(&mut self) {
        self.armed = false;
    }

    /// True if our transaction was rolled back before its end.
    pub(super) fn has_tripped(&self) -> bool {
        self.armed && self.ends.rolled_back.load(Ordering::Acquire)
    }

    /// True if something of the transaction, or after its rollback, was committed
    /// before its end.
    pub(super) fn saw_commit(&self) -> bool {
        self.armed && self.ends.committed.load(Ordering::Acquire)
    }
}
