use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The emulator's time, which idle sessions and reservations end by.
///
/// It follows real time and can be set forward; one that was
/// [stopped](Self::stopped) moves by [`advance`](Self::advance) alone, so that a
/// test stands exactly on a deadline. Clones are handles to the same clock.
/// Delays asked for by faults are real time on any clock.
#[derive(Clone, Debug)]
pub struct Clock {
    running_since: Option<Instant>,
    started: Timestamp,
    ahead: Arc<Mutex<Duration>>,
}

impl Clock {
    /// One that follows real time.
    #[must_use]
    pub fn running() -> Self {
        Self { running_since: Some(Instant::now()), ..Self::stopped() }
    }

    /// One that stands still until it is advanced.
    #[must_use]
    pub fn stopped() -> Self {
        Self { running_since: None, started: Timestamp::now(), ahead: Arc::default() }
    }

    /// The time since the clock was made, advances included.
    #[must_use]
    pub fn now(&self) -> Duration {
        let run = self.running_since.map_or(Duration::ZERO, |since| since.elapsed());
        run.saturating_add(*self.ahead.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the clock forward. What falls due takes effect before the next request
    /// is answered, in the order of its own times.
    pub fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }

    /// As the platform writes it: `2024-01-17 19:05:54`, in UTC.
    pub(crate) fn written(&self, at: Duration) -> String {
        match self.started.checked_add(at) {
            Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => "9999-12-31 23:59:59".to_owned(),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::running()
    }
}
