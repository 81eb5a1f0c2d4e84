//! What operators do with a pool, and see of it.

use std::future;
use std::time::Duration;

use super::closer::Closer;
use super::{ConfigError, Pool, clock};
use crate::status::{ClassStatus, CloseReport, Holder, Status};
use crate::{LastFailure, Pause, PoolSettings, Session};

impl<S: Session> Pool<S> {
    /// The pool's [`name`](crate::PoolBuilder::name), where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared().settings.name.as_deref()
    }

    /// The pool at this instant.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared().status()
    }

    /// What the pool goes by.
    #[must_use]
    pub fn settings(&self) -> PoolSettings {
        self.shared().settings()
    }

    /// Everybody who has a session, longest first.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        self.shared().holders()
    }

    /// The classes of work this pool has [limits](crate::PoolBuilder::limit) for, in the order
    /// in which they were set.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassStatus> {
        self.shared().classes()
    }

    /// The last opening that failed, however long ago; its `streak` is above zero while
    /// none has succeeded since.
    #[must_use]
    pub fn last_failure(&self) -> Option<LastFailure> {
        self.shared().last_failure()
    }

    /// Makes every session opened before now a suspect one: idle sessions are ended,
    /// leased ones when they come back. For when something changed at the remote end:
    /// a failover, a new schema, new credentials.
    ///
    /// The pool does the same by itself when a session's condition, or an opening,
    /// says [`Fault::BackendLost`](crate::Fault::BackendLost); many such messages at
    /// once count once.
    pub fn flush(&self) {
        self.shared().flush();
    }

    /// Lends nothing and opens nothing until [`resume`](Self::resume). Leases are left
    /// alone. Pausing again changes what callers meet.
    pub fn pause(&self, pause: Pause) {
        self.shared().pause(pause);
    }

    /// Lends again: what is idle goes to those who wait, in their order. Does nothing
    /// on a pool that is not paused.
    pub fn resume(&self) {
        self.shared().resume();
    }

    /// Changes [`max_size`](crate::PoolBuilder::max_size). Growing serves waiters at once;
    /// when it shrinks, surplus idle sessions are ended, the longest unused first, and
    /// surplus leased ones when they come back.
    ///
    /// # Errors
    ///
    /// The size is not valid beside the pool's other settings; nothing changed.
    pub fn resize(&self, max_size: usize) -> Result<(), ConfigError> {
        self.shared().resize(max_size)
    }

    /// Closes the pool for good: waiters fail at once, idle sessions are ended,
    /// leased ones are awaited for at most `deadline` and ended as they come back.
    ///
    /// Any number of callers may close, at once or again; each waits by its own
    /// deadline and is told the same. A lease still out at the deadline is
    /// abandoned: it stays usable, and is ended when it comes back. Outside of a
    /// runtime with a time driver this closes and reports without waiting. The report
    /// counts from the first close on.
    ///
    /// # Cancel safety
    ///
    /// The pool is closed from the first poll on; dropping the future only stops
    /// waiting.
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        self.shared().close();
        if clock::is_here() {
            // Late or not, the report says how far it came.
            let _ = tokio::time::timeout(deadline, self.drained()).await;
        }
        self.shared().close_report()
    }

    /// True once [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().is_closed()
    }

    pub(super) async fn drained(&self) {
        let closer = Closer::new(self.shared());
        future::poll_fn(|cx| closer.poll(cx)).await;
    }
}
