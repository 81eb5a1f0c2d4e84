//! Those who wait for the pool to come to some state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

/// Tells those who watch apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatcherId(u64);

impl WatcherId {
    pub(crate) fn new() -> Self {
        static WATCHERS: AtomicU64 = AtomicU64::new(0);
        Self(WATCHERS.fetch_add(1, Ordering::Relaxed))
    }
}

/// Each has a number of its own, and one waker.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Vec<(WatcherId, Waker)>);

impl Watchers {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Wakes `waker` next time; answers the one it takes the place of, to be dropped
    /// outside the lock.
    pub(crate) fn watch(&mut self, id: WatcherId, waker: Waker) -> Option<Waker> {
        if let Some((_, old)) = self.0.iter_mut().find(|(other, _)| *other == id) {
            return Some(std::mem::replace(old, waker));
        }
        self.0.push((id, waker));
        None
    }

    /// Its waker, to be dropped outside the lock.
    pub(crate) fn leave(&mut self, id: WatcherId) -> Option<Waker> {
        let at = self.0.iter().position(|(other, _)| *other == id)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Whom to wake; who still wants to watch asks again.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.0).into_iter().map(|(_, waker)| waker)
    }
}
