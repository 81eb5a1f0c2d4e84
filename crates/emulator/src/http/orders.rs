use tokio::sync::watch;

/// What the listener and all connections are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// The emulator ends: take nothing new.
    pub(crate) stopped: bool,
    /// Counts up: connections end when their answer is out.
    pub(crate) closings: u64,
    /// Counts up: connections end at once.
    pub(crate) abortions: u64,
}

impl Orders {
    /// A connection that knew `before` is to end.
    pub(super) fn ends(self, before: Self) -> bool {
        self != before
    }

    /// A connection that knew `before` is to end at once.
    pub(super) const fn aborts(self, before: Self) -> bool {
        self.abortions != before.abortions
    }
}

/// Comes back when the emulator has stopped or is gone.
pub(crate) async fn stopped(mut orders: watch::Receiver<Orders>) {
    let _ = orders.wait_for(|orders| orders.stopped).await;
}
