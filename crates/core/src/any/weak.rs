use std::fmt;
use std::sync::Arc;

use crate::{AnyPool, Session, WeakPool};

/// A [`WeakPool`] of whatever sessions: for those who look at unlike pools and outlive them.
/// [`AnyPool::downgrade`] gives one, and so does each pool to its listeners
/// ([`PoolEvents::attach`](crate::PoolEvents::attach)).
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// use sessionpool_core::{AnyPool, Pool};
///
/// # let backend = Scripted::new();
/// let pool = Pool::builder(backend).build()?;
/// let weak = AnyPool::from(pool.clone()).downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(pool);
/// assert!(weak.upgrade().is_none());
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct WeakAnyPool(Arc<dyn Upgradable>);

/// [`WeakPool`], its session's type forgotten.
trait Upgradable: Send + Sync {
    fn upgrade(&self) -> Option<AnyPool>;
}

impl<S: Session> Upgradable for WeakPool<S> {
    fn upgrade(&self) -> Option<AnyPool> {
        self.upgrade().map(AnyPool::from)
    }
}

impl<S: Session> From<WeakPool<S>> for WeakAnyPool {
    fn from(pool: WeakPool<S>) -> Self {
        Self(Arc::new(pool))
    }
}

impl WeakAnyPool {
    /// See [`WeakPool::upgrade`].
    #[must_use]
    pub fn upgrade(&self) -> Option<AnyPool> {
        self.0.upgrade()
    }
}

impl fmt::Debug for WeakAnyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakAnyPool").finish_non_exhaustive()
    }
}
