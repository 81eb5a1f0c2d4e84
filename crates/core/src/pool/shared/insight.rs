//! What the pool says to people.

use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use crate::error::{LastFailure, TimedOut};
use crate::pool::places::PlaceId;
use crate::pool::queue::Request;
use crate::status::{ClassStatus, Holder, Status};
use crate::sync::Arc;
use crate::{AcquireError, PoolSettings, Session};

/// How many holders a time-out names.
const HOLDERS_NAMED: usize = 5;

/// A janitor that has not looked for so long, though it was called, is not merely
/// late.
const STALLED: Duration = Duration::from_millis(100);

impl<S: Session> Shared<S> {
    pub(crate) fn status(&self) -> Status {
        let now = Instant::now();
        self.books().ledger.status(now)
    }

    pub(crate) fn settings(&self) -> PoolSettings {
        let limits = self.books().ledger.limits.clone();
        self.settings.with(&limits)
    }

    /// A session's number.
    pub(crate) fn number(&self, place: PlaceId) -> u64 {
        self.books().ledger.places.number(place)
    }

    /// How long ago it was opened.
    pub(crate) fn age(&self, place: PlaceId) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(self.books().ledger.places.opened_at(place))
    }

    pub(crate) fn holders(&self) -> Vec<Holder> {
        let now = Instant::now();
        self.books().ledger.holders(now, usize::MAX)
    }

    pub(crate) fn classes(&self) -> Vec<ClassStatus> {
        self.books().ledger.classes().collect()
    }

    pub(crate) fn last_failure(&self) -> Option<LastFailure> {
        let now = Instant::now();
        self.books().ledger.outage.last_failure(now)
    }

    pub(crate) fn unknown_class(&self, class: &str) -> AcquireError {
        let known = self.settings.classes.iter().map(|class| Arc::clone(&class.name)).collect();
        AcquireError::UnknownClass { pool: self.settings.name.clone(), class: class.into(), known }
    }

    /// What is known about why `request` was not served within `limit`.
    pub(crate) fn diagnose(&self, request: &Request) -> TimedOut {
        let now = Instant::now();
        let books = self.books();
        let ledger = &books.ledger;
        let borrower = &request.borrower;
        let waits = ledger.waits(now, request);
        TimedOut {
            pool: self.settings.name.clone(),
            limit: request.limit,
            phase: ledger.phase(borrower.class),
            class: borrower.class.map(|class| ledger.class(class)),
            runtime_stalled: waits.total() >= STALLED && ledger.seat.is_stuck_since(borrower.since),
            queueing: waits.queueing,
            checking: waits.checking,
            opening: waits.opening,
            status: ledger.status(now),
            last_failure: ledger.outage.last_failure(now),
            holders: ledger.holders(now, HOLDERS_NAMED),
            held_by_this_task: ledger.held_by(borrower.task),
            task_is_known: borrower.task.is_some(),
        }
    }
}
