use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The remote end all pools share the shape of: it opens sessions that do
/// nothing, after as long as it is told to take, and counts them.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    delay_ms: AtomicU64,
    begun: AtomicUsize,
    opened: AtomicUsize,
}

/// A session of 8 bytes that does nothing.
#[derive(Debug)]
pub(crate) struct NoopSession {
    _number: u64,
}

impl Remote {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets how long openings take that begin from now on.
    pub(crate) fn set_delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).expect("a delay of less than an age");
        self.delay_ms.store(millis, Ordering::Relaxed);
    }

    /// Opens a session; instantly, without touching a clock, if there is no delay.
    pub(crate) async fn open(&self) -> NoopSession {
        self.begun.fetch_add(1, Ordering::Relaxed);
        match self.delay_ms.load(Ordering::Relaxed) {
            0 => {}
            millis => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
        NoopSession { _number: self.opened.fetch_add(1, Ordering::Relaxed) as u64 }
    }

    /// How many openings began.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many openings came to their end.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}
