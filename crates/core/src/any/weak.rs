use std::fmt;
use std::sync::{Arc, Weak};

use crate::AnyPool;

/// A handle to a pool of whatever sessions that does not keep it open: for those who
/// look at pools and outlive them.
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
pub struct WeakPool(Weak<dyn Retained>);

/// What the clones of a [`Pool`](crate::Pool) share, its session's type forgotten.
pub(crate) trait Retained: Send + Sync {
    fn pool(self: Arc<Self>) -> AnyPool;
}

impl WeakPool {
    pub(crate) const fn new(pool: Weak<dyn Retained>) -> Self {
        Self(pool)
    }

    /// The pool, unless its last handle is gone. What this answers is one: as long as
    /// it is kept, the pool is open.
    #[must_use]
    pub fn upgrade(&self) -> Option<AnyPool> {
        self.0.upgrade().map(Retained::pool)
    }
}

impl fmt::Debug for WeakPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakPool").field("is_gone", &(self.0.strong_count() == 0)).finish()
    }
}
