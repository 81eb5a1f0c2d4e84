//! The background task of a pool with anything open: it keeps the deadlines, ends
//! what has expired, and sends out the errands.

use std::future::{self, Future};
use std::pin::pin;
use std::task::{Poll, Waker};

use tokio::runtime;
use tokio::time::{self, Instant};

use super::clock::{self, Clock, LONGEST_TICK};
use super::errand::Runner;
use super::places::Home;
use super::shared::Shared;
use crate::Session;
use crate::sync::Arc;

/// The janitor's seat in the ledger: whether there is one, on which runtime, and
/// how to call it.
#[derive(Debug)]
pub(crate) struct Seat {
    home: Home,
    runtime: Option<runtime::Id>,
    taken: bool,
    called: bool,
    waker: Option<Waker>,
    /// When it looked last.
    looked_at: Option<Instant>,
    /// When it will look again unasked; `None` is never.
    wakes_at: Option<Instant>,
}

impl Seat {
    pub(crate) const fn new() -> Self {
        Self {
            home: Home(0),
            runtime: None,
            taken: false,
            called: false,
            waker: None,
            looked_at: None,
            wakes_at: None,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        !self.taken
    }

    /// A new janitor's term begins; sessions are opened under its number.
    pub(crate) fn take(&mut self, runtime: Option<runtime::Id>) -> Home {
        self.home = Home(self.home.0.wrapping_add(1));
        self.taken = true;
        self.runtime = runtime;
        self.called = true;
        self.home
    }

    pub(crate) fn leave(&mut self) {
        self.taken = false;
        self.runtime = None;
        self.waker = None;
    }

    pub(crate) const fn home(&self) -> Home {
        self.home
    }

    pub(crate) const fn runtime(&self) -> Option<runtime::Id> {
        self.runtime
    }

    /// True if the janitor in whose term that session was opened still sits.
    #[inline]
    pub(crate) fn is_home(&self, home: Home) -> bool {
        self.taken && self.home == home
    }

    /// True if the janitor would look again later than `at`.
    #[inline]
    pub(crate) fn sleeps_beyond(&self, at: Instant) -> bool {
        self.taken && self.wakes_at.is_none_or(|wakes| wakes > at)
    }

    pub(crate) fn looked(&mut self, now: Instant) {
        self.looked_at = Some(now);
    }

    /// True if it was called and has not looked since then at the latest: its
    /// runtime is blocked, or nobody drives it. `then` may be a tick early.
    pub(crate) fn is_stuck_since(&self, then: Instant) -> bool {
        let then = then + LONGEST_TICK;
        self.taken && self.called && self.looked_at.is_none_or(|looked| looked < then)
    }

    pub(crate) fn sleep_until(&mut self, at: Option<Instant>) {
        self.wakes_at = at;
    }

    /// Asks the janitor to look; answers what to wake.
    pub(crate) fn call(&mut self) -> Option<Waker> {
        self.called = true;
        self.waker.take()
    }

    /// True if it was called since it last asked; otherwise it will be woken.
    /// The waker not kept comes back, to be dropped outside the lock.
    pub(crate) fn was_called(&mut self, waker: Waker) -> (bool, Option<Waker>) {
        if std::mem::take(&mut self.called) {
            (true, Some(waker))
        } else {
            (false, self.waker.replace(waker))
        }
    }
}

/// Sits until nothing is open and nobody waits. Dropped before that, its runtime
/// is gone: the sessions opened there are ended at once.
#[derive(Debug)]
pub(crate) struct Janitor<S: Session> {
    shared: Arc<Shared<S>>,
    home: Home,
}

impl<S: Session> Janitor<S> {
    /// Where the runtime has no clock to go by, the term ends before it begins.
    pub(crate) fn start(shared: &Arc<Shared<S>>, home: Home, runtime: &runtime::Handle) {
        let janitor = Self { shared: Arc::clone(shared), home };
        if clock::is_here() {
            runtime.spawn(janitor.sit());
        }
    }

    async fn sit(self) {
        loop {
            if Clock::is_paused() {
                self.shared.time_is_virtual();
            }
            let (round, news) = self.shared.round();
            if let Some(news) = news {
                tokio::spawn(async move { drop(news) });
            }
            for errand in round.errands {
                tokio::spawn(Runner::new(Arc::clone(&self.shared), errand).run());
            }
            if round.over {
                return;
            }
            self.next_event(round.next).await;
        }
    }

    async fn next_event(&self, at: Option<Instant>) {
        let mut timer = pin!(async {
            match at {
                Some(at) => time::sleep_until(at).await,
                None => future::pending().await,
            }
        });
        future::poll_fn(|cx| match timer.as_mut().poll(cx) {
            Poll::Pending if !self.shared.janitor_was_called(cx.waker().clone()) => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

impl<S: Session> Drop for Janitor<S> {
    fn drop(&mut self) {
        self.shared.janitor_lost(self.home);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pool::clock::LONG;

    #[test]
    fn a_janitor_that_looked_just_before_a_wait_began_and_never_again_is_stuck() {
        let mut seat = Seat::new();
        seat.take(None);
        let looked = Instant::now();
        seat.looked(looked);
        let mut clock = Clock::standing_at(looked - Duration::from_millis(4));
        let since = clock.stamp_wait(LONG);
        assert!(seat.is_stuck_since(since));
        seat.looked(since + LONG);
        assert!(!seat.is_stuck_since(since));
    }
}
