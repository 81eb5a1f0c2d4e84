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
    pub(crate) since: Instant,
}

impl<S> IdleStack<S> {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    #[inline]
    pub(crate) fn push(&mut self, idle: Idle<S>) {
        self.0.push_back(idle);
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
