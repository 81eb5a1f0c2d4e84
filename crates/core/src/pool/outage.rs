//! What the last openings said, and when the next one may start.

use std::time::Duration;

use tokio::time::Instant;

use crate::Fault;
use crate::error::{Cause, LastFailure};

/// Why an opening failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) cause: Cause,
    pub(crate) at: Instant,
}

/// Keeps a remote end that fails from being hammered: exponential back-off with
/// jitter between openings, one at a time, until one succeeds.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// Openings failed since the last that succeeded.
    streak: u32,
    /// When the next opening may start, after failures, and for want of room.
    retry_at: Option<Instant>,
    room_at: Option<Instant>,
    /// When the first of the streak failed.
    since: Option<Instant>,
    last: Option<Failure>,
    /// How many openings had begun when the remote end last got room: to those, it may
    /// have said that it has none before it had.
    asked_before: u64,
}

/// Between openings after a transient failure: at most this times two for each
/// further failure, and a random share of it (full jitter).
const TRANSIENT: Duration = Duration::from_millis(100);
const TRANSIENT_CAP: Duration = Duration::from_secs(10);
/// Between openings after a rejection: logins that keep failing lock accounts.
const REJECTED: Duration = Duration::from_secs(1);
const REJECTED_CAP: Duration = Duration::from_secs(60);
/// Nothing a backend names keeps the pool from asking once a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Outage {
    pub(crate) const fn new() -> Self {
        Self { streak: 0, retry_at: None, room_at: None, since: None, last: None, asked_before: 0 }
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.streak == 0
    }

    pub(crate) fn succeeded(&mut self) {
        self.streak = 0;
        self.retry_at = None;
        self.room_at = None;
        self.since = None;
    }

    /// The opening of that number failed; `jitter` is a random number in 0..1. Answers the
    /// failure before, to be dropped outside the lock.
    pub(crate) fn failed(
        &mut self,
        opening: u64,
        failure: Failure,
        jitter: f64,
    ) -> Option<Failure> {
        self.streak = self.streak.saturating_add(1);
        self.since.get_or_insert(failure.at);
        let at = Some(failure.at + self.delay(failure.fault, jitter));
        // Of several openings that fail together, the longest back-off counts.
        if !matches!(failure.fault, Fault::Busy { .. }) {
            self.retry_at = self.retry_at.max(at);
        } else if opening > self.asked_before {
            self.room_at = self.room_at.max(at);
        }
        self.last.replace(failure)
    }

    /// The remote end has room again: what held openings back for other reasons still does.
    /// So many `openings` have begun so far.
    pub(crate) fn has_room(&mut self, openings: u64) {
        self.asked_before = openings;
        self.room_at = None;
    }

    /// True if openings have been seen to fail for so long, and none succeeded.
    pub(crate) fn has_lasted(&self, limit: Duration) -> bool {
        match (self.since, &self.last) {
            (Some(since), Some(last)) => last.at.saturating_duration_since(since) >= limit,
            _ => false,
        }
    }

    /// When the next opening may start, while that is not now.
    pub(crate) fn holds_back_until(&self, now: Instant) -> Option<Instant> {
        self.retry_at.max(self.room_at).filter(|at| *at > now)
    }

    /// The failure that still stands: a rejection whose time is not over.
    pub(crate) fn standing_rejection(&self, now: Instant) -> Option<&Failure> {
        self.retry_at.filter(|at| *at > now)?;
        self.last.as_ref().filter(|last| !last.fault.is_retryable())
    }

    /// True if the remote end refuses us as we are: no opening is made for stock.
    pub(crate) fn is_rejected(&self) -> bool {
        !self.is_over() && self.last.as_ref().is_some_and(|last| !last.fault.is_retryable())
    }

    pub(crate) const fn streak(&self) -> u32 {
        self.streak
    }

    pub(crate) const fn last(&self) -> Option<&Failure> {
        self.last.as_ref()
    }

    /// The last failure, for people.
    pub(crate) fn last_failure(&self, now: Instant) -> Option<LastFailure> {
        self.last.as_ref().map(|last| LastFailure {
            fault: last.fault,
            cause: last.cause.clone(),
            age: now.saturating_duration_since(last.at),
            streak: self.streak,
            retry_in: self.holds_back_until(now).map(|at| at.saturating_duration_since(now)),
        })
    }

    fn delay(&self, fault: Fault, jitter: f64) -> Duration {
        let doubled = |base: Duration, cap: Duration| {
            base.saturating_mul(1 << (self.streak - 1).min(16)).min(cap)
        };
        match fault {
            // At least what any other failure waits: zero is a realistic answer.
            Fault::Busy { retry_after: Some(after) } => {
                after.clamp(doubled(TRANSIENT, TRANSIENT_CAP).mul_f64(jitter), LONGEST)
            }
            fault if fault.is_retryable() => doubled(TRANSIENT, TRANSIENT_CAP).mul_f64(jitter),
            _ => doubled(REJECTED, REJECTED_CAP).mul_f64(0.5 + jitter / 2.0),
        }
    }
}
