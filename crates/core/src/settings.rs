use std::sync::Arc;
use std::time::Duration;

/// What a pool goes by: [`Pool::settings`](crate::Pool::settings). Each field is named
/// after its setter in [`PoolBuilder`](crate::PoolBuilder), and says there what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is documented at its setter")]
pub struct PoolSettings {
    pub name: Option<Arc<str>>,
    /// As the last [`resize`](crate::Pool::resize) left it.
    pub max_size: usize,
    /// `max_size` where it was not set.
    pub max_idle: usize,
    pub min_idle: usize,
    pub max_waiters: usize,
    pub max_connecting: usize,
    pub acquire_timeout: Duration,
    pub connect_timeout: Duration,
    pub release_timeout: Duration,
    pub close_timeout: Duration,
    pub check_timeout: Duration,
    pub lifecycle_timeout: Duration,
    pub idle_timeout: Option<Duration>,
    pub max_lifetime: Option<Duration>,
    pub max_uses: Option<u64>,
    pub check_after_idle: Option<Duration>,
    pub keepalive_interval: Option<Duration>,
    pub fail_fast_after: Option<Duration>,
    pub leak_detection: Option<Duration>,
    /// In the order in which they were set.
    pub classes: Vec<ClassSettings>,
}

/// What a pool goes by for a class of work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassSettings {
    /// Its name.
    pub name: Arc<str>,
    /// The most sessions it may have at once, by
    /// [`PoolBuilder::limit`](crate::PoolBuilder::limit); `None` leaves it to `max_size`.
    pub limit: Option<usize>,
    /// The time its acquires are given, by
    /// [`PoolBuilder::class_timeout`](crate::PoolBuilder::class_timeout); `None` is the pool's
    /// `acquire_timeout`.
    pub timeout: Option<Duration>,
}

impl ClassSettings {
    pub(crate) const fn new(name: Arc<str>) -> Self {
        Self { name, limit: None, timeout: None }
    }
}
