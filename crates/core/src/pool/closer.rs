//! Waiting for the last session to end.

use std::task::{Context, Poll};

use super::shared::Shared;
use super::watchers::WatcherId;
use crate::Session;
use crate::sync::Arc;

/// One call of [`Pool::close`](crate::Pool::close) that waits; dropped, it leaves
/// nothing behind.
pub(crate) struct Closer<'a, S: Session> {
    shared: &'a Arc<Shared<S>>,
    id: WatcherId,
}

impl<'a, S: Session> Closer<'a, S> {
    pub(crate) fn new(shared: &'a Arc<Shared<S>>) -> Self {
        Self { shared, id: WatcherId::new() }
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if self.shared.is_drained(self.id, cx.waker().clone()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl<S: Session> Drop for Closer<'_, S> {
    fn drop(&mut self) {
        self.shared.stop_waiting(self.id);
    }
}
