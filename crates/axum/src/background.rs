use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location};
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use futures_util::FutureExt;
use sessionpool_core::{Chain, Transactional};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::slot::{Left, Owner, Slot};
use crate::work::Work;

/// Where work goes on that no response waits for: what was asked for by
/// [`Work::after_commit`], bodies that keep a session, commits whose client has gone.
///
/// It knows what is under way, so that a shutdown waits for it
/// ([`Server::background`](crate::Server::background)). A clone is a handle to the same.
#[derive(Clone)]
pub struct Background {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    limit: Duration,
}

impl Background {
    /// With the defaults below.
    #[must_use]
    pub fn new() -> Self {
        let places = Arc::new(Semaphore::new(1_000));
        Self { tasks: TaskTracker::new(), places, limit: Duration::from_secs(60) }
    }

    /// How many works asked for by [`Work::after_commit`] run beside the responses that
    /// asked for them; with so many running, a response waits for its own. Default: 1,000.
    #[must_use]
    pub fn at_most(mut self, works: usize) -> Self {
        self.places = Arc::new(Semaphore::new(works.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// How long each of them may take until its commit, before it is given up and rolled
    /// back. Default: 60 s.
    #[must_use]
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How much is under way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Waits until nothing is under way, for at most `deadline`, and answers how much
    /// still is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops waiting.
    pub async fn finished(&self, deadline: Duration) -> usize {
        self.tasks.close();
        let _ = time::timeout(deadline, self.tasks.wait()).await; // late or not, it is counted
        self.running()
    }

    /// Runs `work` without waiting for it, if there is a place.
    pub(crate) async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => drop(self.tasks.spawn(async move {
                work.await;
                drop(place);
            })),
            Err(_) => self.tasks.track_future(work).await,
        }
    }

    /// Runs `work` to its end, wherever there is a runtime left to do it.
    pub(crate) fn adopt(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.tasks.spawn_on(work, &runtime);
        }
    }
}

impl Default for Background {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("running", &self.running()).finish_non_exhaustive()
    }
}

/// What was asked for at `site` by [`Work::after_commit`], with its unit and its end.
pub(crate) async fn job<S, W, E>(
    slot: Arc<Slot<S>>,
    work: impl FnOnce(Work<S>) -> W + Send,
    site: &'static Location<'static>,
) where
    S: Transactional,
    W: Future<Output = Result<(), E>> + Send,
    E: Into<BoxError>,
{
    let owner = Owner::new(slot);
    let handle = Work::enter(owner.slot());
    let limit = owner.slot().background().limit;
    let answer = time::timeout(limit, async { work(handle).await.map_err(E::into) });
    let ended: Result<(), BoxError> = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(Ok(()))) => commit(&owner).await,
        Ok(Ok(Err(error))) => Err(error),
        Ok(Err(_)) => Err(format!("it took longer than {limit:?}").into()),
        Err(_) => Err("it panicked".into()),
    };
    if let Err(error) = ended {
        let error = Chain(&*error);
        error!(%site, %error, "background work failed; its unit was not committed");
    }
}

async fn commit<S: Transactional>(owner: &Owner<S>) -> Result<(), BoxError> {
    match owner.slot().leave_body() {
        Left::Unit(mut unit) => Ok(unit.commit().await?),
        Left::Stray(stray, _) => Err(format!("{stray} outlived it").into()),
        Left::Nothing | Left::Kept => Ok(()),
    }
}
