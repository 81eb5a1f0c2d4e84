//! Opening sessions ahead of time.

use std::collections::BTreeSet;
use std::future::{self, Future};
use std::panic::Location;

use tokio::time::{self, Instant};

use super::shared::Shared;
use super::watchers::WatcherId;
use super::{Pool, clock};
use crate::sync::Arc;
use crate::{Lease, Session};

impl<S: Session> Pool<S> {
    /// Opens sessions until that many are open, at most `max_size` and no more idle ones
    /// than `max_idle`, and answers how many of them are. Callers need not wait for it:
    /// what is opened is lent as it comes.
    ///
    /// Fewer are warm when openings fail, which are tried again for the pool's
    /// [`acquire_timeout`](crate::PoolBuilder::acquire_timeout) at most, and not at all once the
    /// remote end has rejected one; [`events`](crate::PoolBuilder::events) tell why. Outside of a
    /// runtime with a time driver nothing is opened.
    ///
    /// # Cancel safety
    ///
    /// Openings that have begun go on, no others begin.
    pub async fn warm_up(&self, sessions: usize) -> usize {
        let mut warming = Warming::new(self.shared(), sessions);
        while warming.opens_another().await {}
        warming.open()
    }

    /// [`warm_up`](Self::warm_up) that has `work` done on each session, to fill its caches
    /// or the remote end's; answers on how many it succeeded.
    ///
    /// It is done on one after the other, while more are being opened, and on no more
    /// sessions than that, even where some do not last. Sessions that are
    /// lent, or idle for so long that they would have to be checked first, are left alone.
    /// `work` is cloned for each session, and bounds its own time.
    ///
    /// # Cancel safety
    ///
    /// As for [`warm_up`](Self::warm_up); a session being worked on goes back, through
    /// cleaning if need be.
    #[track_caller]
    pub fn warm_up_with<E>(
        &self,
        sessions: usize,
        work: impl AsyncFnOnce(&mut Lease<S>) -> Result<(), E> + Clone,
    ) -> impl Future<Output = usize> {
        let site = Location::caller();
        async move {
            let mut warming = Warming::new(self.shared(), sessions);
            let mut warm = 0;
            loop {
                while let Some(mut lease) = warming.lend_another(site) {
                    let done = work.clone()(&mut lease).await;
                    warm += usize::from(done.is_ok() && lease.release().await.is_ok());
                }
                if !warming.opens_another().await {
                    return warm;
                }
            }
        }
    }
}

/// One call of [`Pool::warm_up`](crate::Pool::warm_up): sessions are opened for it while it
/// lives.
pub(crate) struct Warming<'a, S: Session> {
    shared: &'a Arc<Shared<S>>,
    id: WatcherId,
    sessions: usize,
    /// When it waits no longer; `None` is never.
    deadline: Option<Instant>,
    /// How many sessions the pool had opened when it looked last.
    opened: u64,
    /// The sessions it has worked on.
    seen: BTreeSet<u64>,
}

impl<'a, S: Session> Warming<'a, S> {
    pub(crate) fn new(shared: &'a Arc<Shared<S>>, sessions: usize) -> Self {
        let id = WatcherId::new();
        shared.want_open(id, sessions);
        let deadline = Instant::now().checked_add(shared.settings.acquire_timeout);
        let opened = shared.status().counters.opened;
        Self { shared, id, sessions, deadline, opened, seen: BTreeSet::new() }
    }

    /// How many are open, up to as many as are wanted.
    pub(crate) fn open(&self) -> usize {
        let status = self.shared.status();
        (status.size() - status.opening - status.closing).min(self.sessions)
    }

    /// Waits for another session to be opened; answers false if there will be none, or
    /// not in time.
    pub(crate) async fn opens_another(&mut self) -> bool {
        // Without a clock there is no janitor, and nothing is opened.
        if self.is_over() || self.shared.ensure_janitor().is_err() || !clock::is_here() {
            return false;
        }
        let another =
            future::poll_fn(|cx| self.shared.another_opened(self.id, self.opened, cx.waker()));
        let opened = match self.deadline {
            Some(at) => time::timeout_at(at, another).await.ok().flatten(),
            None => another.await,
        };
        self.opened = opened.unwrap_or(self.opened);
        opened.is_some()
    }

    /// True if it has worked on as many as are wanted, or its time has passed, whatever
    /// else is opened.
    fn is_over(&self) -> bool {
        self.seen.len() >= self.sessions || self.deadline.is_some_and(|at| at <= Instant::now())
    }

    /// An idle session it has not worked on.
    pub(crate) fn lend_another(&mut self, site: &'static Location<'static>) -> Option<Lease<S>> {
        if self.is_over() {
            return None;
        }
        let (place, parcel) =
            self.shared.lend_where(|session| !self.seen.contains(&session), site, None)?;
        let lease = Lease::new(self.shared, place, parcel);
        self.seen.insert(Lease::id(&lease));
        Some(lease)
    }
}

impl<S: Session> Drop for Warming<'_, S> {
    fn drop(&mut self) {
        self.shared.want_open_no_more(self.id);
    }
}
