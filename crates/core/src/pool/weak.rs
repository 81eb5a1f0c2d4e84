use std::fmt;
use std::sync::Weak;

use super::{Handle, Managed, Pool};
use crate::Session;

/// A handle to a [`Pool`] that does not keep it open, as [`std::sync::Weak`] is one to what
/// an `Arc` keeps.
///
/// For whatever the pool keeps itself, or what may outlive its users: a listener that asks
/// for [`status`](Pool::status), a hook, a cache of pools by tenant. With a [`Pool`] there,
/// the pool would never be closed by dropping it. Get one with [`Pool::downgrade`].
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// # let backend = Scripted::new();
/// use std::sync::{Arc, OnceLock};
/// use sessionpool_core::{Pool, PoolEvents, WeakPool, event::TimedOut};
/// # use sessionpool_testkit::ScriptedSession as MySession;
///
/// /// Says how the pool is doing whenever a caller waited in vain.
/// #[derive(Default)]
/// struct Watch(OnceLock<WeakPool<MySession>>);
///
/// impl PoolEvents for Watch {
///     fn timed_out(&self, _: Option<&str>, _: &TimedOut) {
///         if let Some(pool) = self.0.get().and_then(WeakPool::upgrade) {
///             eprintln!("{}", pool.status());
///         }
///     }
/// }
///
/// let watch = Arc::new(Watch::default());
/// let pool = Pool::builder(backend).events(watch.clone()).build()?;
/// let _ = watch.0.set(pool.downgrade());
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// ```
pub struct WeakPool<S: Session> {
    handle: Weak<Handle<S>>,
}

impl<S: Session> WeakPool<S> {
    /// A handle to no pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { handle: Weak::new() }
    }

    pub(super) const fn of(handle: Weak<Handle<S>>) -> Self {
        Self { handle }
    }

    pub(crate) fn erased(self) -> Weak<dyn Managed> {
        self.handle
    }

    /// The pool; `None` once its last [`Pool`] was dropped, and it closed itself. Leases
    /// that are still out do not keep it.
    ///
    /// A pool that was [closed](Pool::close) and not dropped is there, and
    /// [says](Pool::is_closed) that it is closed. What this answers keeps the pool open
    /// as any other handle does: drop it when done.
    #[must_use]
    pub fn upgrade(&self) -> Option<Pool<S>> {
        self.handle.upgrade().map(|handle| Pool { handle })
    }
}

impl<S: Session> Default for WeakPool<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Session> Clone for WeakPool<S> {
    fn clone(&self) -> Self {
        Self { handle: Weak::clone(&self.handle) }
    }
}

impl<S: Session> fmt::Debug for WeakPool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_gone = self.handle.strong_count() == 0;
        f.debug_struct("WeakPool").field("is_gone", &is_gone).finish()
    }
}
