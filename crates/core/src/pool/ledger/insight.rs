//! What the books say to people.

use std::sync::Arc;

use tokio::time::Instant;

use super::Ledger;
use crate::error::Phase;
use crate::pool::classes::{ClassId, Share};
use crate::pool::places::{Borrower, Loan};
use crate::status::{ClassStatus, Holder, Status};

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

    /// The classes there are.
    pub(crate) fn classes(&self) -> impl Iterator<Item = ClassStatus> + '_ {
        self.classes.iter().map(|(class, _)| self.class(class))
    }

    pub(crate) fn class(&self, class: ClassId) -> ClassStatus {
        let Share { name, limit, leased, .. } = self.classes.share(class);
        let waiters = self.queue.len_of(Some(class));
        ClassStatus { name: Arc::clone(name), limit: *limit, leased: *leased, waiters }
    }

    /// What those of that class who wait are waiting for.
    pub(crate) fn phase(&self, class: Option<ClassId>) -> Phase {
        if !self.classes.has_room(class) {
            Phase::Queueing
        } else if self.opening_time.is_running() {
            Phase::Opening
        } else if self.checking_time.is_running() {
            Phase::Checking
        } else {
            Phase::Queueing
        }
    }

    /// Who has held a session the longest, at most so many.
    pub(crate) fn holders(&self, now: Instant, most: usize) -> Vec<Holder> {
        let mut loans: Vec<_> = self.places.loans().collect();
        loans.sort_unstable_by_key(|loan| loan.borrower.since);
        loans.truncate(most);
        let holder = |Loan { session, borrower: Borrower { site, task, class, since } }| {
            let held = now.saturating_duration_since(since);
            let class = class.map(|class| Arc::clone(&self.classes.share(class).name));
            Holder { session, site, held, class, task }
        };
        loans.into_iter().map(holder).collect()
    }

    /// How many sessions this task has.
    pub(crate) fn held_by(&self, task: Option<tokio::task::Id>) -> usize {
        let holds = |loan: &Loan| task.is_some() && loan.borrower.task == task;
        self.places.loans().filter(holds).count()
    }
}
