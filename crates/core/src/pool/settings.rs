//! What a pool goes by.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ConfigError;
use super::classes::ClassId;
use super::valid::{MOST, allowed, not_below, within};
use crate::event::Outlived;
use crate::{ClassSettings, PoolSettings};

/// What [`PoolBuilder`](crate::PoolBuilder) sets, but for the ledger's [`Limits`].
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) release_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) check_timeout: Duration,
    pub(crate) lifecycle_timeout: Duration,
    pub(crate) classes: Vec<ClassSettings>,
}

impl Settings {
    pub(crate) fn class(&self, name: &str) -> Option<ClassId> {
        self.classes.iter().position(|class| *class.name == *name).map(ClassId::new)
    }

    /// How long an acquire waits that says nothing itself.
    #[inline]
    pub(crate) fn acquire_timeout(&self, class: Option<ClassId>) -> Duration {
        let of_class = class.and_then(|class| self.classes[class.index()].timeout);
        of_class.unwrap_or(self.acquire_timeout)
    }

    /// All of them, as people see them.
    pub(crate) fn with(&self, limits: &Limits) -> PoolSettings {
        PoolSettings {
            name: self.name.clone(),
            max_size: limits.max_size,
            max_idle: limits.max_idle(),
            min_idle: limits.min_idle,
            max_waiters: limits.max_waiters,
            max_connecting: limits.max_connecting,
            acquire_timeout: self.acquire_timeout,
            connect_timeout: self.connect_timeout,
            release_timeout: self.release_timeout,
            close_timeout: self.close_timeout,
            check_timeout: self.check_timeout,
            lifecycle_timeout: self.lifecycle_timeout,
            idle_timeout: limits.idle_timeout,
            max_lifetime: limits.max_lifetime,
            max_uses: limits.max_uses,
            check_after_idle: limits.check_after_idle,
            keepalive_interval: limits.keepalive_interval,
            fail_fast_after: limits.fail_fast_after,
            leak_detection: limits.leak_detection,
            classes: self.classes.clone(),
        }
    }
}

/// The part of the settings the ledger goes by.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The most `max_size` may be, and why.
    pub(crate) most: Option<(usize, &'static str)>,
    pub(crate) max_size: usize,
    /// `None` follows `max_size`.
    pub(crate) max_idle: Option<usize>,
    pub(crate) min_idle: usize,
    pub(crate) max_waiters: usize,
    pub(crate) max_connecting: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) fail_fast_after: Option<Duration>,
    pub(crate) check_after_idle: Option<Duration>,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) max_uses: Option<u64>,
    pub(crate) leak_detection: Option<Duration>,
}

/// Beyond this nothing is computed with.
const FOREVER: Duration = Duration::from_secs(1 << 40);

/// How much shorter than `max_lifetime` a session may live, so that sessions opened
/// together do not end together.
const LIFETIME_JITTER: f64 = 0.2;

/// After which part of what the remote end allows an idle session is ended or checked, so
/// that the pool comes first on a slow line, too.
const IDLE_MARGIN: f64 = 0.8;

impl Limits {
    /// True if a session last known to be alive then is not lent unseen.
    #[inline]
    pub(crate) fn needs_check(&self, now: Instant, alive: Instant) -> bool {
        let silent = now.saturating_duration_since(alive);
        self.check_after_idle.is_some_and(|limit| silent >= limit)
    }

    /// How long one session may live; `jitter` is a random number in 0..1.
    pub(crate) fn lifetime(&self, jitter: f64) -> Option<Duration> {
        self.max_lifetime.map(|most| match most.as_secs() < FOREVER.as_secs() {
            true => most.mul_f64(1.0 - LIFETIME_JITTER * jitter),
            false => most,
        })
    }

    /// Goes by how long the remote end lets a session lie idle. Answers what was changed
    /// for that.
    pub(crate) fn heed_idle_limit(&mut self, limit: Duration) -> Option<Outlived> {
        let comes_first = |setting: Option<Duration>| setting.is_some_and(|it| it < limit);
        let surplus_ends = comes_first(self.idle_timeout);
        let is_safe = comes_first(self.max_lifetime) || comes_first(self.keepalive_interval);
        if is_safe || (surplus_ends && self.min_idle == 0) {
            return None;
        }
        let instead = limit.mul_f64(IDLE_MARGIN);
        let idle_timeout = (!surplus_ends).then_some(instead);
        let keepalive_interval = (self.min_idle > 0).then_some(instead);
        self.idle_timeout = idle_timeout.or(self.idle_timeout);
        self.keepalive_interval = keepalive_interval.or(self.keepalive_interval);
        Some(Outlived { limit, idle_timeout, keepalive_interval })
    }

    pub(crate) fn max_idle(&self) -> usize {
        self.max_idle.unwrap_or(self.max_size)
    }

    /// What [`Pool::resize`](crate::Pool::resize) may set.
    pub(crate) fn check_size(&self, max_size: usize) -> Result<(), ConfigError> {
        within("max_size", max_size, 1, MOST, "sessions")?;
        allowed(max_size, self.most)?;
        not_below("max_size", max_size, "min_idle", self.min_idle)?;
        not_below("max_size", max_size, "max_idle", self.max_idle.unwrap_or(0))
    }
}
