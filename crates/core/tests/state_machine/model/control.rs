//! What operators do.

use sessionpool_core::event::Ending;
use sessionpool_core::{Fault, Pause};

use super::{Idle, Model, Stage, Verdict};

impl Model {
    /// Idle sessions end now, all others when they come back.
    pub(crate) fn flush(&mut self) {
        self.generation += 1;
        self.stale.extend(self.sessions.keys());
        self.stale.extend(self.stock.iter().map(|idle| idle.session));
        self.stale_openings.extend(self.openings.keys());
        for stage in self.sessions.values_mut() {
            if let Stage::Checking { serves, .. } = stage {
                *serves = false;
            }
        }
        self.end_idle(Ending::Stale, |_| true);
        self.nobody_has_a_successor();
    }

    pub(crate) fn pause(&mut self, pause: Pause) {
        self.pause = Some(pause);
        if pause == Pause::Wait {
            return;
        }
        while let Some(first) = self.queue.pop_front() {
            self.counters.refused_paused += 1;
            self.decide(first, Verdict::Paused);
        }
    }

    pub(crate) fn resume(&mut self) {
        self.pause = None;
        self.serve_from_stock();
    }

    /// Idle sessions that are too many end now, others when they come back.
    pub(crate) fn resize(&mut self, max_size: usize) {
        self.settings.max_size = max_size;
        self.largest_size = self.largest_size.max(max_size);
        let too_many = |model: &Self| {
            let idle = model.stock.len();
            idle > model.settings.max_idle || (idle > 0 && model.staying() > max_size)
        };
        while too_many(self) {
            let Idle { session, .. } = self.stock.remove(0);
            self.end(session, Ending::Surplus);
        }
    }

    /// A session met that fault, or an opening did, from before the last flush if it
    /// `is_stale`. What says that the backend is lost says so of all sessions there are, once
    /// for all of them. Answers whether that was news.
    pub(super) fn met(&mut self, fault: Fault, is_stale: bool) -> bool {
        if fault != Fault::BackendLost {
            return false;
        }
        let is_news = !is_stale && self.has_fresh_sessions();
        match is_news {
            true => self.flush(),
            false => self.reached.lost_again += 1,
        }
        is_news
    }

    /// True if any session there is was opened since the last flush.
    fn has_fresh_sessions(&self) -> bool {
        let mut opened = self.sessions.iter().filter(|(_, it)| !matches!(it, Stage::Refused(..)));
        !self.stock.is_empty() || opened.any(|(session, _)| !self.is_stale(*session))
    }

    pub(super) fn is_stale(&self, session: u64) -> bool {
        self.stale.contains(&session)
    }

    /// Sessions there are and that are not being ended.
    pub(super) fn staying(&self) -> usize {
        self.taken() - self.count(|stage| matches!(stage, Stage::Closing(..)))
    }

    /// Sessions that are lent, or might be.
    pub(super) fn living(&self) -> usize {
        self.staying() - self.opening()
    }

    /// How many openings and checks will serve somebody.
    pub(super) fn serving(&self) -> usize {
        let refused = |(session, stage): &(&u64, &Stage)| {
            matches!(stage, Stage::Refused(..)) && !self.is_stale(**session)
        };
        let refused = self.sessions.iter().filter(refused).count();
        self.openings.len() - self.stale_openings.len() + refused + self.serving_checks()
    }
}
