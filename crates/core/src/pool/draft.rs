//! What a builder sets, its defaults, and what is valid.

use std::sync::Arc;
use std::time::Duration;

use super::ConfigError;
use super::settings::{Limits, Settings};
use super::valid::{MOST, allowed, not_above, not_zero, within};
use crate::{Bounds, ClassSettings};

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
    pub(crate) classes: Vec<ClassSettings>,
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

/// Each acquire may have to look at every class.
const MOST_CLASSES: usize = 100;

impl ClassSettings {
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
    pub(crate) fn class(&mut self, name: Arc<str>) -> &mut ClassSettings {
        let index = self.classes.iter().position(|class| class.name == name);
        let index = index.unwrap_or_else(|| {
            self.classes.push(ClassSettings::new(name));
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
