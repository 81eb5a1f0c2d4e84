//! Ends the sessions that are dropped: a drop cannot wait, so a task does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sessionpool_core::{Session, call};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::guarded::Guarded;
use super::ward::{Living, Ward};

/// Where dropped sessions go. The manager and every session in deadpool's hands have it.
pub(super) struct Closer<S: Session> {
    /// The way to the task, while there is one.
    line: Mutex<Option<mpsc::UnboundedSender<Ward<S>>>>,
    living: watch::Sender<usize>,
}

impl<S: Session> Closer<S> {
    pub(super) fn new() -> Self {
        Self { line: Mutex::new(None), living: watch::Sender::new(0) }
    }

    pub(super) fn guard(self: &Arc<Self>, session: S, close_timeout: Duration) -> Guarded<S> {
        let ward = Ward::new(session, close_timeout, Living::new(&self.living));
        Guarded::new(ward, self)
    }

    /// Sees to it that there is a task, if there is a runtime for it, with a clock.
    pub(super) fn start(self: &Arc<Self>) {
        if self.line().is_some() || !call::is_bounded_here() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if let Some(line) = self.connect() {
            let shift = Shift { closer: Arc::downgrade(self), line };
            runtime.spawn(shift.work());
        }
    }

    /// Has the task close a session. Where there is none, or it is about to go away with
    /// its runtime, the session is aborted.
    pub(super) fn end(&self, ward: Ward<S>) {
        let line = self.line().clone();
        if let Some(line) = line {
            let _ = line.send(ward);
        }
    }

    /// Waits until all sessions have ended.
    pub(super) async fn drained(&self) {
        let mut living = self.living.subscribe();
        // Fails when there is nobody left to count, which `self` rules out.
        let _ = living.wait_for(|living| *living == 0).await;
    }

    /// A new line, unless there is one.
    fn connect(&self) -> Option<mpsc::UnboundedReceiver<Ward<S>>> {
        let mut line = self.line();
        if line.is_some() {
            return None;
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        *line = Some(sender);
        Some(receiver)
    }

    /// There is no task any more.
    fn disconnect(&self) {
        // Dropped outside of the lock.
        let _line = self.line().take();
    }

    fn line(&self) -> MutexGuard<'_, Option<mpsc::UnboundedSender<Ward<S>>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's part: from its start until the last session and the manager are gone, or
/// until its runtime is.
struct Shift<S: Session> {
    closer: Weak<Closer<S>>,
    line: mpsc::UnboundedReceiver<Ward<S>>,
}

impl<S: Session> Shift<S> {
    /// Gives each session a task of its own, so that one that takes its time does not
    /// hold up the others.
    async fn work(mut self) {
        while let Some(ward) = self.line.recv().await {
            tokio::spawn(ward.close());
        }
    }
}

impl<S: Session> Drop for Shift<S> {
    /// Before the line is: what is still on it, or gets onto it from here on, is aborted
    /// with the last who holds an end of it.
    fn drop(&mut self) {
        if let Some(closer) = self.closer.upgrade() {
            closer.disconnect();
        }
    }
}
