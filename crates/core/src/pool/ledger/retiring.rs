//! Sessions that are worn: old, or lent often enough. Each is closed once its successor is
//! there.

use tokio::time::Instant;

use super::{Errand, Ledger};
use crate::event::Ending;
use crate::pool::aftermath::Aftermath;

impl<S> Ledger<S> {
    /// Ends idle sessions that are worn.
    pub(super) fn retire_worn(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        let max_uses = self.limits.max_uses;
        while let Some(idle) = {
            let Self { idle, places, .. } = self;
            idle.pop_oldest_where(|idle| places.is_worn(now, idle.place, max_uses))
        } {
            self.end(idle.place, idle.session, Ending::Worn, aftermath);
        }
    }

    /// When the next idle session is old.
    pub(super) fn next_retirement(&self) -> Option<Instant> {
        self.idle.iter().filter_map(|idle| self.places.expires(idle.place)).min()
    }

    /// A worn session is to be closed: beside the opening of its successor, and after it.
    pub(super) fn retire(&mut self, errand: Errand<S>) {
        self.retiring.push_back(errand);
    }

    /// An opening is over, and whoever has waited for that the longest is closed.
    pub(super) fn opening_is_over(&mut self, aftermath: &mut Aftermath<S>) {
        if let Some(errand) = self.retiring.pop_front() {
            self.errands.push_back(errand);
            aftermath.call(self.seat.call());
        }
    }

    /// Sends out those who wait for nothing.
    pub(super) fn send_retired(&mut self) {
        let due = self.retired();
        self.errands.extend(self.retiring.drain(..due));
    }

    /// How many wait for nothing: no successor is on its way, nor has to wait for another
    /// opening itself; or their very places are wanted for one.
    pub(super) fn retired(&self) -> usize {
        if self.retiring.is_empty() {
            return 0;
        }
        let tally = self.places.tally();
        let is_full = self.places.taken() >= self.limits.max_size;
        let in_the_way = is_full && self.servable() > tally.serving();
        if in_the_way || !self.open {
            return self.retiring.len();
        }
        match tally.opening < self.limits.max_connecting {
            true => self.retiring.len().saturating_sub(tally.opening),
            false => 0,
        }
    }
}
