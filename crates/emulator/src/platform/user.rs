use std::sync::Arc;
use std::time::Duration;

use super::{Secret, Session};

/// A user ID: at most one session at a time.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) password: Secret,
    /// May warm, flush, reset and look at any pool.
    pub(crate) is_admin: bool,
    pub(crate) active: Option<Active>,
    pub(crate) last_login: Option<Duration>,
}

/// A session as its user has it.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) session: Arc<Session>,
    /// Requests under way, those that wait for their turn included.
    pub(crate) running: usize,
    pub(crate) last_used: Duration,
}

impl Active {
    /// Requests come in a moment after their time was read, and so not in its order.
    pub(crate) fn use_at(&mut self, now: Duration) {
        self.last_used = self.last_used.max(now);
    }
}

impl User {
    pub(crate) const fn new(password: Secret) -> Self {
        Self { password, is_admin: false, active: None, last_login: None }
    }

    pub(crate) fn begin(&mut self, session: Arc<Session>, now: Duration) {
        self.last_login = Some(now);
        self.active = Some(Active { session, running: 0, last_used: now });
    }

    /// Ends the session, if there is one.
    pub(crate) fn end(&mut self) -> bool {
        let ended = self.active.take();
        if let Some(active) = &ended {
            active.session.end();
        }
        ended.is_some()
    }

    /// When the session ends, should nobody use it.
    pub(crate) fn idle_deadline(&self, timeout: Duration) -> Option<Duration> {
        let active = self.active.as_ref().filter(|active| active.running == 0)?;
        active.last_used.checked_add(timeout)
    }
}
