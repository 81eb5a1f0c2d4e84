//! Kinds of work, each with a cap: whoever came first is served, among those who may be.

use std::time::Duration;

use super::Model;
use crate::case::Class;

#[derive(Debug)]
pub(super) struct Share {
    limit: usize,
    leased: usize,
    /// For how long it has had all it may.
    pub(super) full_time: Duration,
}

impl Share {
    pub(super) const fn of(class: &Class) -> Self {
        Self { limit: class.limit, leased: 0, full_time: Duration::ZERO }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.leased >= self.limit
    }

    pub(super) const fn sizes(&self) -> (usize, usize) {
        (self.limit, self.leased)
    }
}

impl Model {
    pub(super) fn has_room(&self, class: Option<usize>) -> bool {
        class.is_none_or(|class| !self.shares[class].is_full())
    }

    pub(super) fn lent_for(&mut self, session: u64, class: Option<usize>) {
        if let Some(class) = class {
            self.shares[class].leased += 1;
            self.work.insert(session, class);
        }
    }

    /// Its kind of work has room again, whatever becomes of the session.
    pub(super) fn lent_no_more(&mut self, session: u64) -> bool {
        let class = self.work.remove(&session);
        if let Some(class) = class {
            self.shares[class].leased -= 1;
        }
        class.is_some()
    }

    /// The place in line of who is to be served next.
    pub(super) fn next_in_line(&self) -> Option<usize> {
        self.queue.iter().position(|waiting| self.has_room(waiting.class))
    }

    /// How many of those in line could be served, were there sessions enough.
    pub(super) fn servable(&self) -> usize {
        let mut left: Vec<_> = self.shares.iter().map(|it| it.limit - it.leased).collect();
        let mut is_servable = |class: Option<usize>| match class.map(|class| &mut left[class]) {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        self.queue.iter().filter(|waiting| is_servable(waiting.class)).count()
    }
}
