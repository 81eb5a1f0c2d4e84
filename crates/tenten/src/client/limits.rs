use std::time::Duration;

use super::Pace;

/// How long a request and its parts may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle_read: Duration,
    pub(crate) total: Duration,
    pub(crate) lifecycle: Duration,
}

impl Limits {
    pub(super) fn total(&self, pace: Pace) -> Duration {
        match pace {
            Pace::Work => self.total,
            Pace::Lifecycle => self.lifecycle.min(self.total),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(5 * 60),
            idle_read: Duration::from_secs(60),
            total: Duration::from_secs(30 * 60),
            lifecycle: Duration::from_secs(30),
        }
    }
}
