//! Sessions that are worn: old, or lent often enough. An old one is closed once its successor
//! is there.

use tokio::time::Instant;

use super::{Errand, Ledger};
use crate::event::Ending;
use crate::pool::aftermath::Aftermath;
use crate::pool::places::PlaceId;

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
    /// One that was lent often enough waits for none: its remote end has it back at once.
    pub(super) fn retire(&mut self, errand: Errand<S>) {
        match self.places.is_used_up(errand.place, self.limits.max_uses) {
            true => self.errands.push_back(errand),
            false => self.retiring.push_back(errand),
        }
    }

    /// An opening is over, and whoever has waited for that the longest is closed. Nobody
    /// waits for one that began before the last flush.
    pub(super) fn opening_is_over(&mut self, opening: PlaceId, aftermath: &mut Aftermath<S>) {
        if !self.places.is_stale(opening) {
            self.send_retiring(1, aftermath);
        }
    }

    /// Has so many closed now that wait for their successors, those that have waited the
    /// longest first. Answers how many there were.
    pub(super) fn send_retiring(&mut self, most: usize, aftermath: &mut Aftermath<S>) -> usize {
        let sent = most.min(self.retiring.len());
        if sent > 0 {
            self.errands.extend(self.retiring.drain(..sent));
            aftermath.call(self.seat.call());
        }
        sent
    }

    /// How many must not wait: a session waits while an opening is under way that will
    /// serve, one for each, and in room that nobody else has or needs.
    pub(super) fn retired(&self) -> usize {
        let waiting = self.retiring.len();
        if waiting == 0 || !self.open {
            return waiting;
        }
        let tally = self.places.tally();
        let needed = self.servable().saturating_sub(tally.serving());
        let others = self.places.taken() - waiting + needed;
        let room = self.limits.max_size.saturating_sub(others);
        waiting.saturating_sub(room.min(tally.serving_openings))
    }
}
