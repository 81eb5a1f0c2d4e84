//! What a builder sets, its defaults, and what is valid.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::classes::{Class, ClassId};
use crate::event::Outlived;
use crate::{Bounds, ClassSettings, PoolSettings};

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
    pub(crate) classes: Vec<Class>,
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
        let class = |Class { name, limit, timeout }: &Class| ClassSettings {
            name: Arc::clone(name),
            limit: *limit,
            timeout: *timeout,
        };
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
            classes: self.classes.iter().map(class).collect(),
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

/// A setting that cannot work, found by [`PoolBuilder::build`](crate::PoolBuilder::build).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}, but {valid}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setter's name.
    pub setting: &'static str,
    /// The value it was given.
    pub value: String,
    /// What would be valid.
    pub valid: String,
}

/// Before validation: `max_idle` may still follow `max_size`.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) most: Option<(usize, &'static str)>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) max_size: usize,
    pub(crate) max_idle: Option<usize>,
    pub(crate) min_idle: usize,
    pub(crate) max_waiters: usize,
    pub(crate) max_connecting: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) release_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) lifecycle_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) fail_fast_after: Option<Duration>,
    pub(crate) check_after_idle: Option<Duration>,
    pub(crate) check_timeout: Duration,
    pub(crate) keepalive_interval: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) max_uses: Option<u64>,
    pub(crate) leak_detection: Option<Duration>,
    pub(crate) classes: Vec<Class>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            most: None,
            name: None,
            max_size: 10,
            max_idle: None,
            min_idle: 0,
            max_waiters: 1_000,
            max_connecting: 2,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(15),
            release_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(5),
            lifecycle_timeout: Duration::from_secs(30),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            fail_fast_after: None,
            check_after_idle: Some(Duration::from_millis(500)),
            check_timeout: Duration::from_secs(5),
            keepalive_interval: None,
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            max_uses: None,
            leak_detection: None,
            classes: Vec::new(),
        }
    }
}

/// Beyond this nothing is computed with.
const FOREVER: Duration = Duration::from_secs(1 << 40);

/// More sessions than any remote end takes; a place's index must fit in 32 bits.
const MOST: usize = 1_000_000;

/// Each acquire may have to look at every class.
const MOST_CLASSES: usize = 100;

impl Class {
    fn check(&self) -> Result<(), ConfigError> {
        let Self { name, limit, timeout } = self;
        let told = |error: ConfigError| ConfigError {
            value: format!("{} for class \"{name}\"", error.value),
            ..error
        };
        if let Some(limit) = *limit {
            within("limit", limit, 1, MOST, "sessions").map_err(told)?;
        }
        if let Some(timeout) = *timeout {
            not_zero("class_timeout", timeout, "try_acquire is what never waits").map_err(told)?;
        }
        Ok(())
    }
}

impl Draft {
    /// The class of that name, new if it has not been named before.
    pub(crate) fn class(&mut self, name: Arc<str>) -> &mut Class {
        let index = self.classes.iter().position(|class| class.name == name);
        let index = index.unwrap_or_else(|| {
            self.classes.push(Class::new(name));
            self.classes.len() - 1
        });
        &mut self.classes[index]
    }

    /// The defaults, for a backend that knows its bounds.
    pub(crate) fn within(bounds: &Bounds) -> Self {
        let draft = Self::default();
        Self {
            most: bounds.most_sessions,
            max_size: bounds
                .most_sessions
                .map_or(draft.max_size, |(most, _)| draft.max_size.min(most)),
            idle_timeout: bounds.idle_timeout.or(draft.idle_timeout),
            max_uses: bounds.max_uses.or(draft.max_uses),
            ..draft
        }
    }

    pub(crate) fn validate(self) -> Result<(Settings, Limits), ConfigError> {
        // No `..`: whoever adds a setting decides here what is valid.
        let Self {
            most,
            name,
            max_size,
            max_idle,
            min_idle,
            max_waiters,
            max_connecting,
            acquire_timeout,
            connect_timeout,
            release_timeout,
            close_timeout,
            lifecycle_timeout,
            idle_timeout,
            fail_fast_after,
            check_after_idle,
            check_timeout,
            keepalive_interval,
            max_lifetime,
            max_uses,
            leak_detection,
            classes,
        } = self;

        within("max_size", max_size, 1, MOST, "sessions")?;
        allowed(max_size, most)?;
        within("max_connecting", max_connecting, 1, MOST, "openings at once")?;
        within("max_waiters", max_waiters, 0, u32::MAX as usize, "waiters")?;
        not_above("max_idle", max_idle.unwrap_or(0), "max_size", max_size)?;
        not_above("min_idle", min_idle, "max_size", max_size)?;
        not_above("min_idle", min_idle, "max_idle", max_idle.unwrap_or(max_size))?;
        not_zero("acquire_timeout", acquire_timeout, "try_acquire is what never waits")?;
        not_zero("connect_timeout", connect_timeout, "nothing opens in no time")?;
        not_zero("release_timeout", release_timeout, "nothing is cleaned in no time")?;
        not_zero("close_timeout", close_timeout, "nothing closes in no time")?;
        not_zero("lifecycle_timeout", lifecycle_timeout, "nothing commits in no time")?;
        not_zero("check_timeout", check_timeout, "nothing answers in no time")?;
        if let Some(limit) = keepalive_interval {
            not_zero("keepalive_interval", limit, "None checks nothing that is idle")?;
        }
        if let Some(limit) = max_lifetime {
            not_zero("max_lifetime", limit, "None lets sessions grow old")?;
        }
        if max_uses == Some(0) {
            within("max_uses", 0, 1, usize::MAX, "uses")?;
        }
        if let Some(limit) = leak_detection {
            not_zero("leak_detection", limit, "None tells of none")?;
        }
        if let Some(limit) = idle_timeout {
            not_zero("idle_timeout", limit, "max_idle(0) keeps no session idle, None keeps all")?;
        }

        within("limit", classes.len(), 0, MOST_CLASSES, "classes")?;
        for class in &classes {
            class.check()?;
        }

        let limits = Limits {
            most,
            max_size,
            max_idle,
            min_idle,
            max_waiters,
            max_connecting,
            idle_timeout,
            fail_fast_after,
            check_after_idle,
            keepalive_interval,
            max_lifetime,
            max_uses,
            leak_detection,
        };
        let settings = Settings {
            name,
            acquire_timeout,
            connect_timeout,
            release_timeout,
            close_timeout,
            check_timeout,
            lifecycle_timeout,
            classes,
        };
        Ok((settings, limits))
    }
}

fn within(
    setting: &'static str,
    value: usize,
    least: usize,
    most: usize,
    what: &str,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let valid = format!("{least} to {most} {what} are possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

/// A size the backend's remote end has room for.
fn allowed(max_size: usize, most: Option<(usize, &'static str)>) -> Result<(), ConfigError> {
    match most {
        Some((most, why)) if max_size > most => {
            let valid = format!("at most {most} is possible: {why}");
            Err(ConfigError { setting: "max_size", value: max_size.to_string(), valid })
        }
        _ => Ok(()),
    }
}

fn not_above(
    setting: &'static str,
    value: usize,
    other: &str,
    most: usize,
) -> Result<(), ConfigError> {
    if value <= most {
        return Ok(());
    }
    let valid = format!("{other} is {most}: at most {most} is possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

fn not_below(
    setting: &'static str,
    value: usize,
    other: &str,
    least: usize,
) -> Result<(), ConfigError> {
    if value >= least {
        return Ok(());
    }
    let valid = format!("{other} is {least}: at least {least} is possible");
    Err(ConfigError { setting, value: value.to_string(), valid })
}

fn not_zero(setting: &'static str, value: Duration, why: &str) -> Result<(), ConfigError> {
    if !value.is_zero() {
        return Ok(());
    }
    let valid = format!("it must be longer ({why})");
    Err(ConfigError { setting, value: format!("{value:?}"), valid })
}
