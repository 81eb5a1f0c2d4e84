//! Time during which something was the case, summed up.

use std::time::Duration;

use tokio::time::Instant;

/// Sums are in nanoseconds, of which 64 bits hold centuries: every waiter keeps a few.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    total: Nanos,
    since: Option<Instant>,
}

/// A reading of a stopwatch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nanos(u64);

impl Stopwatch {
    pub(crate) const fn new() -> Self {
        Self { total: Nanos(0), since: None }
    }

    /// Starts or stops it; doing either twice changes nothing.
    pub(crate) fn run(&mut self, now: Instant, on: bool) {
        match (self.since, on) {
            (None, true) => self.since = Some(now),
            (Some(_), false) => {
                self.total = self.total(now);
                self.since = None;
            }
            _ => {}
        }
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// The sum up to `now`.
    #[inline]
    pub(crate) fn total(&self, now: Instant) -> Nanos {
        let Some(since) = self.since else { return self.total };
        let running = now.saturating_duration_since(since).as_nanos();
        Nanos(self.total.0.saturating_add(u64::try_from(running).unwrap_or(u64::MAX)))
    }

    /// How much was added from an earlier reading up to `now`.
    pub(crate) fn added_since(&self, earlier: Nanos, now: Instant) -> Duration {
        Duration::from_nanos(self.total(now).0.saturating_sub(earlier.0))
    }
}
