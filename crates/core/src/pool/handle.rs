//! What all handles of a pool share, and that without the type of its sessions.

use std::sync::Arc as StdArc;
use std::time::Duration;

use async_trait::async_trait;

use super::Pool;
use super::shared::Shared;
use crate::sync::Arc;
use crate::{
    ClassStatus, CloseReport, ConfigError, Holder, LastFailure, Pause, PoolSettings, Session,
    Status,
};

/// Closes the pool when the last of its handles is dropped.
pub(crate) struct Handle<S: Session> {
    pub(super) shared: Arc<Shared<S>>,
}

impl<S: Session> Drop for Handle<S> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// A [`Pool`], its session's type forgotten.
#[async_trait]
pub(crate) trait Managed: Send + Sync {
    fn name(&self) -> Option<&str>;
    fn status(&self) -> Status;
    fn settings(&self) -> PoolSettings;
    fn holders(&self) -> Vec<Holder>;
    fn classes(&self) -> Vec<ClassStatus>;
    fn last_failure(&self) -> Option<LastFailure>;
    fn flush(&self);
    fn pause(&self, pause: Pause);
    fn resume(&self);
    fn resize(&self, max_size: usize) -> Result<(), ConfigError>;
    fn recall_idle(&self, sessions: usize) -> usize;
    fn open_again(&self);
    async fn warm_up(self: StdArc<Self>, sessions: usize) -> usize;
    async fn close(self: StdArc<Self>, deadline: Duration) -> CloseReport;
}

#[async_trait]
impl<S: Session> Managed for Handle<S> {
    fn name(&self) -> Option<&str> {
        self.shared.settings.name.as_deref()
    }

    fn status(&self) -> Status {
        self.shared.status()
    }

    fn settings(&self) -> PoolSettings {
        self.shared.settings()
    }

    fn holders(&self) -> Vec<Holder> {
        self.shared.holders()
    }

    fn classes(&self) -> Vec<ClassStatus> {
        self.shared.classes()
    }

    fn last_failure(&self) -> Option<LastFailure> {
        self.shared.last_failure()
    }

    fn flush(&self) {
        self.shared.flush();
    }

    fn pause(&self, pause: Pause) {
        self.shared.pause(pause);
    }

    fn resume(&self) {
        self.shared.resume();
    }

    fn resize(&self, max_size: usize) -> Result<(), ConfigError> {
        self.shared.resize(max_size)
    }

    fn recall_idle(&self, sessions: usize) -> usize {
        self.shared.recall_idle(sessions)
    }

    fn open_again(&self) {
        self.shared.open_again();
    }

    async fn warm_up(self: StdArc<Self>, sessions: usize) -> usize {
        Pool { handle: self }.warm_up(sessions).await
    }

    async fn close(self: StdArc<Self>, deadline: Duration) -> CloseReport {
        Pool { handle: self }.close(deadline).await
    }
}
