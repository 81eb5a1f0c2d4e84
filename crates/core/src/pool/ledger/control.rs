//! Pausing, resizing, what the backend asks for.

use std::time::Duration;

use tokio::time::Instant;

use super::Ledger;
use crate::Pause;
use crate::event::{Ending, Event, Reason};
use crate::pool::aftermath::Aftermath;
use crate::pool::idle::Idle;
use crate::pool::queue::Verdict;

impl<S> Ledger<S> {
    /// Lends nothing from now on, and opens nothing.
    pub(crate) fn pause(&mut self, pause: Pause, aftermath: &mut Aftermath<S>) {
        self.pause = Some(pause);
        self.tell(aftermath, |_| Event::Paused(pause));
        if pause == Pause::Fail {
            self.counters.refused_paused +=
                self.answer_all(|| Verdict::Paused, Reason::Paused, aftermath);
        }
        self.call_if_nothing_is_left(aftermath);
    }

    /// Lends again: what is idle to those who wait, in their order.
    pub(crate) fn resume(&mut self, now: Instant, aftermath: &mut Aftermath<S>) {
        if self.pause.take().is_some() {
            self.tell(aftermath, |_| Event::Resumed);
        }
        self.serve_from_stock(now, aftermath);
        self.wake_warmers(aftermath);
        self.call_if_opening_wanted(aftermath);
    }

    /// Ends up to so many sessions that nobody uses: worn ones that wait for their
    /// successors, and idle ones, unless somebody waits for one. Those count as stock until
    /// somebody asks for a session: whoever needs their room needs it.
    pub(crate) fn recall_idle(&mut self, sessions: usize, aftermath: &mut Aftermath<S>) -> usize {
        let retired = self.send_retiring(sessions, aftermath);
        let idle = if self.servable() == 0 { self.idle.len() } else { 0 };
        let meant = idle.min(sessions - retired);
        self.recalled += meant;
        for _ in 0..meant {
            let Some(Idle { place, session, .. }) = self.idle.pop_oldest() else { break };
            self.end(place, session, Ending::Recalled, aftermath);
        }
        retired + meant
    }

    /// Forgets when the next opening may start, if it was for want of room.
    pub(crate) fn open_again(&mut self, aftermath: &mut Aftermath<S>) {
        self.outage.has_room(self.places.openings());
        self.call_if_opening_wanted(aftermath);
    }

    /// Goes by how long the remote end lets a session lie idle.
    pub(crate) fn heed_idle_limit(&mut self, limit: Duration, aftermath: &mut Aftermath<S>) {
        if let Some(outlived) = self.limits.heed_idle_limit(limit) {
            self.tell(aftermath, |_| Event::Outlived(outlived));
            aftermath.call(self.seat.call());
        }
    }

    /// Sessions there are and that are not being ended.
    pub(super) fn staying(&self) -> usize {
        self.places.taken() - self.places.tally().closing
    }

    /// Allows more sessions, or fewer: surplus idle ones end now, others when they
    /// come back.
    pub(crate) fn resize(&mut self, now: Instant, max_size: usize, aftermath: &mut Aftermath<S>) {
        self.limits.max_size = max_size;
        self.tell(aftermath, |_| Event::Resized(max_size));
        while self.staying() > max_size || self.idle.len() > self.limits.max_idle() {
            let Some(Idle { place, session, .. }) = self.idle.pop_oldest() else { break };
            self.end(place, session, Ending::Surplus, aftermath);
        }
        self.wake_warmers(aftermath);
        self.phases_changed(now);
        self.call_if_opening_wanted(aftermath);
    }
}
