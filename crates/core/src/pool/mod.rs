//! The pool: bounded, queueing, first come first served.

mod acquire;
mod aftermath;
mod builder;
mod classes;
pub(crate) mod clock;
mod closer;
mod draft;
mod errand;
mod handle;
mod hooks;
mod idle;
mod janitor;
mod lease;
mod ledger;
mod listeners;
#[cfg(all(test, any(sessionpool_loom, sessionpool_shuttle)))]
mod models;
mod opener;
mod operating;
mod outage;
mod parcel;
mod places;
mod queue;
mod recall;
mod settings;
mod shared;
mod stopwatch;
mod transactions;
mod valid;
mod warming;
mod watchers;
mod weak;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc as StdArc, Weak};

pub use acquire::AcquireOptions;
pub use builder::PoolBuilder;
pub(crate) use handle::Managed;
pub use hooks::HookFuture;
pub use lease::Lease;
pub use recall::Recall;
pub use valid::ConfigError;
pub use weak::WeakPool;

use acquire::Acquire;
use handle::Handle;
use shared::Shared;

use crate::sync::Arc;
use crate::{AcquireError, Backend, Session, TryAcquireError};

/// Lends sessions: at most `max_size` of them, to whoever asked first.
///
/// A `Pool` is a handle: cloning it is cheap and gives another one to the same
/// pool. Give each part of a program its own clone.
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend = Scripted::new();
/// use std::time::Duration;
/// use sessionpool_core::Pool;
///
/// let pool = Pool::builder(backend).max_size(4).build()?;
///
/// // all or nothing: commits on Ok, rolls back on Err, on panic and when cancelled
/// pool.transaction(async |tx| {
///     tx.write("a row").await.map_err(Failed::Write)?;
///     Ok::<_, Failed>(())
/// })
/// .await?;
///
/// let report = pool.close(Duration::from_secs(5)).await;
/// assert!(report.is_complete(), "{report}");
/// # Ok(())
/// # }
/// # #[derive(Debug, thiserror::Error)]
/// # enum Failed {
/// #     #[error(transparent)] Write(sessionpool_testkit::ScriptedError),
/// #     #[error(transparent)] Tx(#[from] sessionpool_core::TxError),
/// # }
/// ```
///
/// # Where things run
///
/// What takes time and belongs to no caller (opening, cleaning, ending, expiring)
/// runs in tasks on the tokio runtime of the first caller who needed a session
/// opened. A pool with nothing open has no task. When that runtime goes away, the
/// sessions opened on it are ended at once, and the next caller's runtime takes
/// over. Whoever has to wait needs a runtime with its time driver (`enable_time`);
/// an idle session is lent anywhere. That a runtime has none tokio tells by a panic
/// alone, which is caught; a program built with `panic = "abort"` ends there.
///
/// A runtime that is blocked, or that nobody drives any more, holds up what the pool
/// does there. Callers on other runtimes time out when they said, and are told.
///
/// # Dropping
///
/// When the last handle is dropped, idle sessions are ended in the background, and
/// leased ones when they come back. [`close`](Self::close) does the same and waits.
/// A [`WeakPool`] is not one of the handles that count.
pub struct Pool<S: Session> {
    handle: StdArc<Handle<S>>,
}

impl<S: Session> Pool<S> {
    /// Starts setting up a pool of this backend's sessions.
    pub fn builder(backend: impl Backend<Session = S>) -> PoolBuilder<S> {
        PoolBuilder::new(backend)
    }

    pub(crate) fn new(shared: Shared<S>) -> Self {
        let handle = StdArc::new_cyclic(|line: &Weak<Handle<S>>| {
            let shared = shared.heard_by_listeners(&WeakPool::of(line.clone()).into());
            Handle { shared: Arc::new(shared) }
        });
        let pool = Self { handle };
        pool.shared().opener.attach_pool(Recall::new(pool.downgrade().erased()));
        pool.shared().fill_stock();
        pool
    }

    /// A handle that does not keep the pool open, for what the pool itself keeps: its
    /// listeners, its hooks.
    #[must_use]
    pub fn downgrade(&self) -> WeakPool<S> {
        WeakPool::of(StdArc::downgrade(&self.handle))
    }

    pub(crate) fn erased(self) -> StdArc<dyn Managed> {
        self.handle
    }

    #[inline]
    fn shared(&self) -> &Arc<Shared<S>> {
        &self.handle.shared
    }

    /// Lends a session, waiting for one if need be.
    ///
    /// Callers are served strictly in the order in which they began to wait.
    /// Whatever comes first serves the next: a session given back, or one opened.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] says why there is none: the time ran out, the queue is
    /// full, the pool is closed, the remote end refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the queue. Nothing is lost: a session granted in
    /// that very moment goes to the next in line, and an opening begun for this
    /// caller goes on for others.
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> impl Future<Output = Result<Lease<S>, AcquireError>> + Send {
        self.acquire_at(&AcquireOptions::new(), Location::caller())
    }

    /// [`acquire`](Self::acquire) with options for this one call, so that a report
    /// may wait longer than a page view.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire); [`AcquireError::UnknownClass`] for a class the
    /// pool has no limit for, which is told to nobody else and counted nowhere.
    ///
    /// # Cancel safety
    ///
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "options are made for the call")]
    pub fn acquire_with(
        &self,
        options: AcquireOptions,
    ) -> impl Future<Output = Result<Lease<S>, AcquireError>> + Send {
        self.acquire_at(&options, Location::caller())
    }

    #[inline]
    fn acquire_at(
        &self,
        options: &AcquireOptions,
        site: &'static Location<'static>,
    ) -> Acquire<'_, S> {
        Acquire::new(self.shared(), options, site)
    }

    /// Lends an idle session, if there is one that may be lent as it is. Never waits,
    /// opens nothing, and overtakes nobody who is queued.
    ///
    /// Sessions idle for longer than
    /// [`check_after_idle`](PoolBuilder::check_after_idle) are not lent unseen; the
    /// call that found no other has one checked in the background, for the next.
    ///
    /// # Errors
    ///
    /// None is idle, or the pool is closed.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Lease<S>, TryAcquireError> {
        let shared = self.shared();
        match shared.try_lend(Location::caller()) {
            Some((place, parcel)) => Ok(Lease::new(shared, place, parcel)),
            None if shared.is_closed() => Err(TryAcquireError::Closed),
            None => Err(TryAcquireError::NoneIdle),
        }
    }

    /// Runs `work` with a session, and gives it back whatever happens: on `Ok`, on
    /// `Err`, on panic, and when the future is dropped.
    ///
    /// # Errors
    ///
    /// What `work` answered, or the [`AcquireError`].
    ///
    /// # Cancel safety
    ///
    /// The session goes back, through cleaning if it was in the middle of
    /// something.
    #[track_caller]
    pub fn with<R, E>(
        &self,
        work: impl AsyncFnOnce(&mut Lease<S>) -> Result<R, E>,
    ) -> impl Future<Output = Result<R, E>>
    where
        E: From<AcquireError>,
    {
        let acquire = self.acquire_at(&AcquireOptions::new(), Location::caller());
        async move {
            let mut lease = acquire.await?;
            work(&mut lease).await
        }
    }
}

impl<S: Session> Clone for Pool<S> {
    fn clone(&self) -> Self {
        Self { handle: StdArc::clone(&self.handle) }
    }
}

impl<S: Session> fmt::Debug for Pool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.shared().settings.name)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
