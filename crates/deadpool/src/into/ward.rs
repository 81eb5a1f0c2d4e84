//! A session that will be ended, and the count of those.

use std::time::Duration;

use sessionpool_core::{Session, call};
use tokio::sync::watch;

/// A session we answer for: dropped, it is aborted, if nobody did better before.
pub(super) struct Ward<S: Session> {
    /// `None` only after it was ended, or given away.
    session: Option<S>,
    close_timeout: Duration,
    _living: Living,
}

const HAS_SESSION: &str = "a ward has its session until it is ended";

impl<S: Session> Ward<S> {
    pub(super) const fn new(session: S, close_timeout: Duration, _living: Living) -> Self {
        Self { session: Some(session), close_timeout, _living }
    }

    pub(super) fn session(&self) -> &S {
        self.session.as_ref().expect(HAS_SESSION)
    }

    pub(super) fn session_mut(&mut self) -> &mut S {
        self.session.as_mut().expect(HAS_SESSION)
    }

    pub(super) fn into_session(mut self) -> S {
        self.session.take().expect(HAS_SESSION)
    }

    /// Closes the session; dropped half way, aborts it.
    pub(super) async fn close(mut self) {
        if let Some(session) = self.session.take() {
            // There is nobody to tell, and the session is gone on this side all the same.
            let _ = call::close(session, self.close_timeout).await;
        }
    }
}

impl<S: Session> Drop for Ward<S> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            call::abort(session);
        }
    }
}

/// One of the sessions that have not ended.
#[derive(Debug)]
pub(super) struct Living {
    count: watch::Sender<usize>,
}

impl Living {
    pub(super) fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|living| *living += 1);
        Self { count: count.clone() }
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.count.send_modify(|living| *living -= 1);
    }
}
