use std::fmt;
use std::sync::Weak;

use super::pool::AnyPool;
use crate::pool::Managed;
use crate::{Session, WeakPool};

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
pub struct WeakAnyPool(pub(super) Weak<dyn Managed>);

impl<S: Session> From<WeakPool<S>> for WeakAnyPool {
    fn from(pool: WeakPool<S>) -> Self {
        Self(pool.erased())
    }
}

impl WeakAnyPool {
    /// See [`WeakPool::upgrade`].
    #[must_use]
    pub fn upgrade(&self) -> Option<AnyPool> {
        self.0.upgrade().map(AnyPool)
    }
}

impl fmt::Debug for WeakAnyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_gone = self.0.strong_count() == 0;
        f.debug_struct("WeakAnyPool").field("is_gone", &is_gone).finish()
    }
}
