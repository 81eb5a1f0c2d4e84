//! What is left to do once the ledger's lock is released.

use std::panic::{self, AssertUnwindSafe};
use std::task::Waker;

use super::places::PlaceId;
use crate::Session;

/// Whom to wake and which sessions to end: other people's code, never run under
/// the lock.
///
/// The common case, one waiter and perhaps the janitor, takes no allocation.
#[must_use = "what is not carried out is lost: wake-ups, sessions to end"]
#[derive(Debug)]
pub(crate) struct Aftermath<S> {
    pub(crate) wake: Option<Waker>,
    pub(crate) wake_all: Vec<Waker>,
    /// Sessions to end at once. Their places are still taken.
    pub(crate) abort: Vec<(PlaceId, S)>,
    janitor: Option<Waker>,
    discard: Option<Waker>,
}

impl<S> Aftermath<S> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { wake: None, wake_all: Vec::new(), abort: Vec::new(), janitor: None, discard: None }
    }

    /// Calls the janitor; `waker` is what its seat answered.
    pub(crate) fn call(&mut self, waker: Option<Waker>) {
        if waker.is_some() {
            self.janitor = waker;
        }
    }

    /// Drops `waker` outside the lock: even that may be other people's code.
    pub(crate) fn discard(&mut self, waker: Waker) {
        self.discard = Some(waker);
    }
}

impl<S: Session> Aftermath<S> {
    /// Answers which places are to be freed, their sessions being gone.
    #[inline]
    pub(crate) fn carry_out(self) -> Vec<PlaceId> {
        let Self { wake, wake_all, abort, janitor, discard: _ } = self;
        if let Some(waker) = wake {
            waker.wake();
        }
        wake_all.into_iter().for_each(Waker::wake);
        if let Some(waker) = janitor {
            waker.wake();
        }
        let aborted = abort.into_iter().map(|(place, session)| {
            abort_session(session);
            place
        });
        aborted.collect()
    }
}

/// Ends a session on this side. `abort` must not panic, and this runs in drops,
/// so a backend that breaks the rule is not let through.
pub(crate) fn abort_session<S: Session>(session: S) {
    let _ = panic::catch_unwind(AssertUnwindSafe(|| S::abort(session)));
}
