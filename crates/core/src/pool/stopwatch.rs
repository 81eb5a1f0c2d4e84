//! Time during which something was the case, summed up.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Stopwatch {
    total: Duration,
    since: Option<Instant>,
}

impl Stopwatch {
    pub(crate) const fn new() -> Self {
        Self { total: Duration::ZERO, since: None }
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
    pub(crate) fn total(&self, now: Instant) -> Duration {
        let running = self.since.map(|since| now.saturating_duration_since(since));
        self.total.saturating_add(running.unwrap_or_default())
    }
}
