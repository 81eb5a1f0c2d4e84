use std::sync::Arc;

use super::{
    Cancelled, Checked, Checking, Cleaned, Cleaning, Closed, Closing, Flushed, HookFailed, Leaked,
    Lent, OpenFailed, Opened, Opening, Outlived, Queued, Refused, Returned, TimedOut,
};
use crate::{Pause, WeakAnyPool};

/// Listens to what happens in a pool: a method for each edge, each of which does
/// nothing unless it is written. `pool` is the name of the pool that tells, so that one
/// listener may serve many.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use sessionpool_core::{PoolEvents, event};
///
/// /// Counts callers who went away empty-handed.
/// #[derive(Default)]
/// struct Unserved(AtomicU64);
///
/// impl PoolEvents for Unserved {
///     fn timed_out(&self, _: Option<&str>, _: &event::TimedOut) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
///
///     fn refused(&self, _: Option<&str>, _: &event::Refused) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// # use sessionpool_core::Pool;
/// # use sessionpool_testkit::Scripted;
///
/// # let backend = Scripted::new();
/// let unserved = Arc::new(Unserved::default());
/// let pool = Pool::builder(backend).events(unserved.clone()).build()?;
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// ```
///
/// # What a listener may do
///
/// It is called outside of the pool's lock and may call the pool. It runs on whoever
/// caused the event: what it takes, that caller waits, in the middle of an `acquire` or
/// of a lease's drop, so it should not block. One that does holds up nobody else, on a
/// runtime with other threads; on a runtime of a single thread it holds up all, as
/// anything that blocks does.
///
/// # Panics
///
/// A panic in a listener is caught, and changes nothing.
#[allow(unused_variables, reason = "the names are documentation")]
pub trait PoolEvents: Send + Sync + 'static {
    /// A pool is being built to which this listener was given: asked once, before
    /// anything is told. Whoever it answers is told of that pool in its stead; `None`,
    /// the default, has it told itself, as suits a listener that serves all pools alike.
    ///
    /// `handle` does not keep the pool open, and gives nothing until it is built. To keep
    /// what it gives in a listener keeps that pool open.
    fn attach(&self, pool: Option<&str>, handle: &WeakAnyPool) -> Option<Arc<dyn PoolEvents>> {
        None
    }
    /// An acquire began to wait.
    fn queued(&self, pool: Option<&str>, event: &Queued) {}
    /// A session was lent.
    fn lent(&self, pool: Option<&str>, event: &Lent) {}
    /// An acquire's time ran out.
    fn timed_out(&self, pool: Option<&str>, event: &TimedOut) {}
    /// An acquire was dropped while it waited.
    fn cancelled(&self, pool: Option<&str>, event: &Cancelled) {}
    /// An acquire was told that it gets no session.
    fn refused(&self, pool: Option<&str>, event: &Refused) {}
    /// A lease ended.
    fn returned(&self, pool: Option<&str>, event: &Returned) {}
    /// A session has been lent for too long.
    fn leaked(&self, pool: Option<&str>, event: &Leaked) {}
    /// A session is about to be opened.
    fn opening(&self, pool: Option<&str>, event: &Opening) {}
    /// A session was opened.
    fn opened(&self, pool: Option<&str>, event: &Opened) {}
    /// A session could not be opened.
    fn open_failed(&self, pool: Option<&str>, event: &OpenFailed) {}
    /// An idle session is about to be checked.
    fn checking(&self, pool: Option<&str>, event: &Checking) {}
    /// A session was checked.
    fn checked(&self, pool: Option<&str>, event: &Checked) {}
    /// A session is about to be made fit for the next borrower.
    fn cleaning(&self, pool: Option<&str>, event: &Cleaning) {}
    /// A session was made fit, or not.
    fn cleaned(&self, pool: Option<&str>, event: &Cleaned) {}
    /// A session is about to be ended.
    fn closing(&self, pool: Option<&str>, event: &Closing) {}
    /// A session is gone.
    fn closed(&self, pool: Option<&str>, event: &Closed) {}
    /// `before_close` failed; of `after_open` that is a failed opening.
    fn hook_failed(&self, pool: Option<&str>, event: &HookFailed) {}
    /// Sessions could lie idle until the remote end ends them.
    fn outlived(&self, pool: Option<&str>, event: &Outlived) {}
    /// Every session opened before became suspect.
    fn flushed(&self, pool: Option<&str>, event: &Flushed) {}
    /// The pool was paused.
    fn paused(&self, pool: Option<&str>, pause: Pause) {}
    /// The pool lends again.
    fn resumed(&self, pool: Option<&str>) {}
    /// The pool's `max_size` was changed.
    fn resized(&self, pool: Option<&str>, max_size: usize) {}
    /// The pool was closed.
    fn pool_closed(&self, pool: Option<&str>) {}
}
