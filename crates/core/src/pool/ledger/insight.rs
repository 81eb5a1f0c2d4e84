//! What the books say to people.

use tokio::time::Instant;

use super::Ledger;
use crate::error::Phase;
use crate::pool::places::Borrower;
use crate::status::{Holder, Status};

impl<S> Ledger<S> {
    pub(crate) fn status(&self, now: Instant) -> Status {
        let tally = self.places.tally();
        Status {
            max_size: self.limits.max_size,
            opening: tally.opening,
            idle: self.idle.len(),
            leased: tally.leased,
            checking: tally.checking,
            cleaning: tally.cleaning,
            closing: tally.closing,
            waiters: self.queue.len(),
            oldest_waiter: self.queue.oldest().map(|since| now.saturating_duration_since(since)),
            closed: !self.open,
            paused: self.pause.is_some(),
            generation: self.places.generation(),
            counters: self.counters,
        }
    }

    /// What those who wait are waiting for.
    pub(crate) fn phase(&self) -> Phase {
        if self.opening_time.is_running() {
            Phase::Opening
        } else if self.checking_time.is_running() {
            Phase::Checking
        } else {
            Phase::Queueing
        }
    }

    /// Who has held a session the longest, at most so many.
    pub(crate) fn holders(&self, now: Instant, most: usize) -> Vec<Holder> {
        let mut borrowers: Vec<_> = self.places.borrowers().collect();
        borrowers.sort_unstable_by_key(|(_, borrower)| borrower.since);
        borrowers.truncate(most);
        let holder = |(session, Borrower { site, task, since })| {
            let held = now.saturating_duration_since(since);
            Holder { session, site, held, task }
        };
        borrowers.into_iter().map(holder).collect()
    }

    /// How many sessions this task has.
    pub(crate) fn held_by(&self, task: Option<tokio::task::Id>) -> usize {
        let holds = |(_, other): &(u64, Borrower)| task.is_some() && other.task == task;
        self.places.borrowers().filter(holds).count()
    }
}
