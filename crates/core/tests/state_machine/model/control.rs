//! What operators do.

use sessionpool_core::Pause;

use super::{Idle, Model, Stage, Verdict, Why};

impl Model {
    /// Idle sessions end now, all others when they come back.
    pub(crate) fn flush(&mut self) {
        self.generation += 1;
        self.stale.extend(self.sessions.keys());
        self.stale_openings.extend(self.openings.keys());
        for Idle { session, .. } in std::mem::take(&mut self.stock) {
            self.end(session, Why::Stale);
        }
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

    /// What is idle serves those who wait, the newest the first.
    pub(crate) fn resume(&mut self) {
        self.pause = None;
        while !self.queue.is_empty() {
            let Some(Idle { session, .. }) = self.stock.pop() else { return };
            self.grant(session);
        }
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
            self.end(session, Why::Surplus);
        }
    }

    pub(super) fn is_stale(&self, session: u64) -> bool {
        self.stale.contains(&session)
    }

    /// Sessions there are and that are not being ended.
    pub(super) fn staying(&self) -> usize {
        self.taken() - self.count(|stage| matches!(stage, Stage::Closing(..)))
    }

    /// How many openings will serve somebody.
    pub(super) fn serving(&self) -> usize {
        let refused = |(session, stage): &(&u64, &Stage)| {
            matches!(stage, Stage::Refused(_)) && !self.is_stale(**session)
        };
        let refused = self.sessions.iter().filter(refused).count();
        self.openings.len() - self.stale_openings.len() + refused
    }
}
