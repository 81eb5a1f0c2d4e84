//! Sessions waiting for a borrower.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::places::PlaceId;

/// A stack: the session that came back last is lent first, so that the ones a
/// quieter pool does not need grow old at the bottom and expire.
#[derive(Debug)]
pub(crate) struct IdleStack<S>(VecDeque<Idle<S>>);

#[derive(Debug)]
pub(crate) struct Idle<S> {
    pub(crate) place: PlaceId,
    pub(crate) session: S,
    /// Since when it is unused.
    pub(crate) since: Instant,
    /// When it was last known to be alive: it came back, or answered a check.
    pub(crate) alive: Instant,
}

impl<S> IdleStack<S> {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Puts one back where it belongs by its age; on top, if it was just used.
    #[inline]
    pub(crate) fn push(&mut self, idle: Idle<S>) {
        match self.0.back() {
            Some(top) if top.since > idle.since => {
                let at = self.0.partition_point(|other| other.since <= idle.since);
                self.0.insert(at, idle);
            }
            _ => self.0.push_back(idle),
        }
    }

    /// The one that came back last among those for which that is true.
    #[inline]
    pub(crate) fn pop_newest_where(
        &mut self,
        mut is_meant: impl FnMut(&Idle<S>) -> bool,
    ) -> Option<Idle<S>> {
        if is_meant(self.0.back()?) {
            return self.0.pop_back(); // as nearly always
        }
        let at = self.0.iter().rposition(is_meant)?;
        self.0.remove(at)
    }

    /// The one unused the longest among those for which that is true.
    pub(crate) fn pop_oldest_where(
        &mut self,
        is_meant: impl FnMut(&Idle<S>) -> bool,
    ) -> Option<Idle<S>> {
        let at = self.0.iter().position(is_meant)?;
        self.0.remove(at)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Idle<S>> {
        self.0.iter()
    }

    /// The one that came back last.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Idle<S>> {
        self.0.pop_back()
    }

    /// The one unused the longest.
    pub(crate) fn pop_oldest(&mut self) -> Option<Idle<S>> {
        self.0.pop_front()
    }

    pub(crate) fn oldest(&self) -> Option<&Idle<S>> {
        self.0.front()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
