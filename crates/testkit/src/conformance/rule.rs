use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a remote end may take over anything before a rule counts as broken.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look again for what takes its time to happen.
const GLANCE: Duration = Duration::from_millis(1);

/// A rule of the contract under its own words; every failure of a check names
/// it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule(&'static str);

impl Rule {
    pub(super) const fn new(words: &'static str) -> Self {
        Self(words)
    }

    #[track_caller]
    pub(super) fn broken(self, how: impl Display) -> ! {
        panic!("rule broken: {}: {how}", self.0)
    }

    #[track_caller]
    pub(super) fn holds(self, it_does: bool, otherwise: impl Display) {
        if !it_does {
            self.broken(otherwise);
        }
    }

    #[track_caller]
    pub(super) fn ok<T>(self, result: Result<T, impl Error>, what: &str) -> T {
        match result {
            Ok(value) => value,
            Err(error) => self.broken(format_args!("{what} failed: {error}")),
        }
    }

    /// Waits for `future`, but not for ever.
    pub(super) async fn in_time<F: Future>(self, what: &str, future: F) -> F::Output {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => self.broken(format_args!("{what} did not come to its end")),
        }
    }

    /// Waits until `found` is `wanted`: remote ends take their time to notice.
    pub(super) async fn becomes(
        self,
        wanted: usize,
        what: &str,
        when: &str,
        find: impl AsyncFn() -> usize,
    ) {
        let mut found = find().await;
        for _ in 0..PATIENCE.as_millis() / GLANCE.as_millis() {
            if found == wanted {
                return;
            }
            tokio::time::sleep(GLANCE).await;
            found = find().await;
        }
        self.broken(format_args!("{found} {what} instead of {wanted}, {when}"));
    }

    /// Runs `work` where there is no runtime, while the test's own stands still.
    ///
    /// `Err` is the panic's payload.
    pub(super) fn on_a_plain_thread<T: Send + 'static>(
        self,
        what: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::spawn(move || sender.send(catch_unwind(AssertUnwindSafe(work))));
        match receiver.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(_) => self.broken(format_args!("{what} waits for something")),
        }
    }
}
