use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::weak::WeakAnyPool;
use crate::pool::Managed;
use crate::{
    ClassStatus, CloseReport, ConfigError, Holder, LastFailure, Pause, Pool, PoolSettings, Session,
    Status,
};

/// A handle to a pool of whatever sessions, for what concerns all pools of a service:
/// looking at them, pausing them, closing them.
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// use std::collections::BTreeMap;
/// use std::time::Duration;
/// use sessionpool_core::{AnyPool, Erase, Pool};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (database, gateway) = (Scripted::new(), Erase::new(Scripted::new()));
/// let shop = Pool::builder(database).name("shop").build()?;
/// let reports = Pool::builder(gateway).name("reports").build()?;
///
/// let mut pools = BTreeMap::new();
/// pools.insert("shop", AnyPool::from(shop.clone()));
/// pools.insert("reports", AnyPool::from(reports.clone()));
///
/// for (name, pool) in &pools {
///     println!("{name}: {}", pool.status());
/// }
/// for pool in pools.values() {
///     let report = pool.close(Duration::from_secs(5)).await;
///     assert!(report.is_complete(), "{report}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// It is a handle like any clone of the [`Pool`]: it keeps the pool open.
#[derive(Clone)]
pub struct AnyPool(pub(super) Arc<dyn Managed>);

impl<S: Session> From<Pool<S>> for AnyPool {
    fn from(pool: Pool<S>) -> Self {
        Self(pool.erased())
    }
}

impl AnyPool {
    /// See [`Pool::name`].
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// See [`Pool::status`].
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// See [`Pool::settings`].
    #[must_use]
    pub fn settings(&self) -> PoolSettings {
        self.0.settings()
    }

    /// See [`Pool::holders`].
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        self.0.holders()
    }

    /// See [`Pool::classes`].
    #[must_use]
    pub fn classes(&self) -> Vec<ClassStatus> {
        self.0.classes()
    }

    /// See [`Pool::last_failure`].
    #[must_use]
    pub fn last_failure(&self) -> Option<LastFailure> {
        self.0.last_failure()
    }

    /// See [`Pool::flush`].
    pub fn flush(&self) {
        self.0.flush();
    }

    /// See [`Pool::pause`].
    pub fn pause(&self, pause: Pause) {
        self.0.pause(pause);
    }

    /// See [`Pool::resume`].
    pub fn resume(&self) {
        self.0.resume();
    }

    /// See [`Pool::resize`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::resize`].
    pub fn resize(&self, max_size: usize) -> Result<(), ConfigError> {
        self.0.resize(max_size)
    }

    /// See [`Pool::warm_up`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Pool::warm_up`].
    pub async fn warm_up(&self, sessions: usize) -> usize {
        Arc::clone(&self.0).warm_up(sessions).await
    }

    /// See [`Pool::close`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Pool::close`].
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        Arc::clone(&self.0).close(deadline).await
    }

    /// A handle that does not keep the pool open.
    #[must_use]
    pub fn downgrade(&self) -> WeakAnyPool {
        WeakAnyPool(Arc::downgrade(&self.0))
    }
}

impl fmt::Debug for AnyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPool")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
