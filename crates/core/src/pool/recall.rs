use std::fmt;
use std::sync::Weak;

use super::Managed;

/// A backend's line to a pool that lends its sessions; see
/// [`Backend::attach`](crate::Backend::attach).
///
/// It does not keep the pool alive, and does nothing once that is gone.
#[derive(Clone)]
pub struct Recall {
    pool: Weak<dyn Managed>,
}

impl Recall {
    pub(crate) const fn new(pool: Weak<dyn Managed>) -> Self {
        Self { pool }
    }

    /// Ends up to so many sessions that nobody uses, and answers how many: first those that
    /// are old and wait for their successors, then idle ones, those unused the longest
    /// first, whatever stock the pool keeps. No idle one while somebody waits for it.
    #[must_use]
    pub fn idle(&self, sessions: usize) -> usize {
        self.pool.upgrade().map_or(0, |pool| pool.recall_idle(sessions))
    }

    /// Makes every session opened before now a suspect one, as
    /// [`Pool::flush`](crate::Pool::flush) does.
    pub fn all(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.flush();
        }
    }

    /// The remote end has room again: an opening that is held back because it had
    /// none may start.
    pub fn open_again(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.open_again();
        }
    }

    /// True once the pool is gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.pool.strong_count() == 0
    }
}

impl fmt::Debug for Recall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recall").field("is_gone", &self.is_gone()).finish()
    }
}
