use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use deadpool::managed::{Manager, Metrics};
use sessionpool_core::{Condition, Fault, Session};
use tokio::runtime::Handle;

use super::DeadpoolError;
use super::keeper::Keeper;

/// An object of a deadpool manager, as a session.
///
/// It dereferences to the object. Dereferencing it makes it
/// [`Busy`](Condition::Busy), since the object does not tell what became of it; looking
/// at its [`metrics`](Self::metrics) does not.
///
/// Dropping it ends it: the manager detaches the object, once, and the object is dropped,
/// within the tokio runtime it was created on, if there was one, since some objects need
/// that for their own drop.
pub struct DeadpoolSession<M: Manager> {
    keeper: Arc<Keeper<M>>,
    /// `None` only in the drop.
    object: Option<M::Type>,
    metrics: Metrics,
    home: Option<Handle>,
    touched: AtomicBool,
    spent: Option<Fault>,
}

const HAS_OBJECT: &str = "a session has its object until it is dropped";

impl<M: Manager> DeadpoolSession<M> {
    /// When the object was created and last recycled, and how often.
    ///
    /// They are what deadpool's own pool would count, but that a session is recycled when
    /// it comes back and not when it is lent.
    pub const fn metrics(this: &Self) -> &Metrics {
        &this.metrics
    }
}

impl<M: Manager<Error: std::error::Error> + 'static> DeadpoolSession<M> {
    pub(super) async fn open(keeper: Arc<Keeper<M>>) -> Result<Self, DeadpoolError<M::Error>> {
        let object = keeper.create().await?;
        let mut session = Self {
            keeper,
            object: Some(object),
            metrics: Metrics::default(),
            home: Handle::try_current().ok(),
            touched: AtomicBool::new(false),
            spent: None,
        };
        let Self { keeper, object, metrics, .. } = &mut session;
        keeper.admit(object.as_mut().expect(HAS_OBJECT), metrics).await?;
        Ok(session)
    }

    /// Recycles the object, without counting it.
    ///
    /// Until that has come to a good end the session is spent: managers are written for a
    /// pool that drops an object whose recycling failed or was dropped half way.
    pub(super) async fn check(&mut self) -> Result<(), DeadpoolError<M::Error>> {
        if let Some(fault) = self.spent {
            return Err(DeadpoolError::Spent { fault });
        }
        self.spent = Some(Fault::SessionLost);
        let Self { keeper, object, metrics, .. } = self;
        let done = keeper.recycle(object.as_mut().expect(HAS_OBJECT), metrics).await;
        self.spent = done.as_ref().err().map(DeadpoolError::fault);
        done
    }
}

impl<M> Session for DeadpoolSession<M>
where
    M: Manager<Error: std::error::Error + Sync> + 'static,
{
    type Error = DeadpoolError<M::Error>;

    fn condition(&self) -> Condition {
        match self.spent {
            Some(fault) => Condition::Broken(fault),
            None if self.touched.load(Ordering::Relaxed) => Condition::Busy,
            None => Condition::Clean,
        }
    }

    fn classify(error: &Self::Error) -> Fault {
        error.fault()
    }

    /// Recycles the object: the `pre_recycle` hooks, the manager's `recycle`, the
    /// `post_recycle` hooks.
    ///
    /// # Errors
    ///
    /// Any [`DeadpoolError`] but those of creating. The session is `Broken` then.
    ///
    /// # Cancel safety
    ///
    /// The session is `Broken`.
    async fn release(this: &mut Self) -> Result<(), Self::Error> {
        this.check().await?;
        *this.touched.get_mut() = false;
        this.metrics.recycle_count += 1;
        this.metrics.recycled = Some(Instant::now());
        Ok(())
    }

    /// Has the manager detach the object, and drops it. Never fails.
    async fn close(this: Self) -> Result<(), Self::Error> {
        drop(this);
        Ok(())
    }

    fn abort(this: Self) {
        drop(this);
    }
}

impl<M: Manager> Deref for DeadpoolSession<M> {
    type Target = M::Type;

    fn deref(&self) -> &M::Type {
        self.touched.store(true, Ordering::Relaxed);
        self.object.as_ref().expect(HAS_OBJECT)
    }
}

impl<M: Manager> DerefMut for DeadpoolSession<M> {
    fn deref_mut(&mut self) -> &mut M::Type {
        *self.touched.get_mut() = true;
        self.object.as_mut().expect(HAS_OBJECT)
    }
}

impl<M: Manager> Drop for DeadpoolSession<M> {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        // On a thread that is about to end, entering a runtime panics.
        let enter = |home| catch_unwind(AssertUnwindSafe(|| Handle::enter(home))).ok();
        let _home = self.home.as_ref().and_then(enter);
        self.keeper.end(object);
    }
}

impl<M: Manager> fmt::Debug for DeadpoolSession<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The object is left out: it may hold credentials.
        f.debug_struct("DeadpoolSession")
            .field("metrics", &self.metrics)
            .field("touched", &self.touched)
            .field("spent", &self.spent)
            .finish_non_exhaustive()
    }
}
