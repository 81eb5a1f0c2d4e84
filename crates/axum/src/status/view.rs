//! What is shown. Its fields are the JSON's.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sessionpool_core::{
    AnyPool, ClassSettings, ClassStatus, Counters, Holder, LastFailure, PoolSettings, Status,
};

/// Holders beyond these are only counted: the page has a bound, too.
const HOLDERS_SHOWN: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) pools: Vec<PoolView>,
}

#[derive(Debug, Serialize)]
pub(super) struct PoolView {
    pub(super) name: Option<String>,
    pub(super) status: StatusView,
    pub(super) last_failure: Option<FailureView>,
    pub(super) classes: Vec<ClassView>,
    pub(super) holders: Vec<HolderView>,
    pub(super) holders_not_shown: usize,
    pub(super) counters: BTreeMap<&'static str, u64>,
    pub(super) closed_by_reason: BTreeMap<&'static str, u64>,
    pub(super) settings: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct StatusView {
    pub(super) summary: String,
    pub(super) max_size: usize,
    pub(super) opening: usize,
    pub(super) idle: usize,
    pub(super) leased: usize,
    pub(super) checking: usize,
    pub(super) cleaning: usize,
    pub(super) closing: usize,
    pub(super) waiters: usize,
    pub(super) oldest_waiter_s: Option<f64>,
    pub(super) closed: bool,
    pub(super) paused: bool,
    pub(super) generation: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct FailureView {
    /// The kind alone: the text is not ours.
    pub(super) fault: &'static str,
    pub(super) age_s: f64,
    pub(super) streak: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct ClassView {
    pub(super) name: String,
    pub(super) leased: usize,
    pub(super) waiters: usize,
    pub(super) limit: Option<usize>,
    pub(super) timeout_s: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct HolderView {
    pub(super) session: u64,
    pub(super) held_s: f64,
    pub(super) site: String,
    pub(super) class: Option<String>,
    pub(super) task: Option<String>,
}

impl View {
    pub(super) fn of(pools: &[AnyPool]) -> Self {
        Self { pools: pools.iter().map(PoolView::of).collect() }
    }

    pub(super) fn to_json(&self) -> String {
        // Numbers, texts and lists of them.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl PoolView {
    fn of(pool: &AnyPool) -> Self {
        let (status, settings, holders) = (pool.status(), pool.settings(), pool.holders());
        let class = |class: &ClassStatus| {
            ClassView::of(class, settings.classes.iter().find(|it| it.name == class.name))
        };
        Self {
            name: pool.name().map(str::to_owned),
            last_failure: pool.last_failure().as_ref().map(FailureView::of),
            classes: pool.classes().iter().map(class).collect(),
            holders_not_shown: holders.len().saturating_sub(HOLDERS_SHOWN),
            holders: holders.iter().take(HOLDERS_SHOWN).map(HolderView::of).collect(),
            counters: counters(&status.counters),
            closed_by_reason: closed_by_reason(&status.counters),
            status: StatusView::of(&status),
            settings: self::settings(&settings),
        }
    }
}

impl StatusView {
    fn of(status: &Status) -> Self {
        Self {
            summary: status.to_string(),
            max_size: status.max_size,
            opening: status.opening,
            idle: status.idle,
            leased: status.leased,
            checking: status.checking,
            cleaning: status.cleaning,
            closing: status.closing,
            waiters: status.waiters,
            oldest_waiter_s: status.oldest_waiter.map(seconds),
            closed: status.closed,
            paused: status.paused,
            generation: status.generation,
        }
    }
}

impl FailureView {
    fn of(LastFailure { fault, age, streak, .. }: &LastFailure) -> Self {
        Self { fault: fault.as_str(), age_s: seconds(*age), streak: *streak }
    }
}

impl ClassView {
    fn of(class: &ClassStatus, settings: Option<&ClassSettings>) -> Self {
        Self {
            name: class.name.as_ref().to_owned(),
            leased: class.leased,
            waiters: class.waiters,
            limit: class.limit,
            timeout_s: settings.and_then(|settings| settings.timeout).map(seconds),
        }
    }
}

impl HolderView {
    fn of(holder: &Holder) -> Self {
        Self {
            session: holder.session,
            held_s: seconds(holder.held),
            site: holder.site.to_string(),
            class: holder.class.as_deref().map(str::to_owned),
            task: holder.task().map(|task| task.to_string()),
        }
    }
}

/// Numbers, and null for what is not set.
fn settings(settings: &PoolSettings) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("max_size", settings.max_size.into()),
        ("max_idle", settings.max_idle.into()),
        ("min_idle", settings.min_idle.into()),
        ("max_waiters", settings.max_waiters.into()),
        ("max_connecting", settings.max_connecting.into()),
        ("acquire_timeout_s", seconds(settings.acquire_timeout).into()),
        ("connect_timeout_s", seconds(settings.connect_timeout).into()),
        ("release_timeout_s", seconds(settings.release_timeout).into()),
        ("close_timeout_s", seconds(settings.close_timeout).into()),
        ("check_timeout_s", seconds(settings.check_timeout).into()),
        ("lifecycle_timeout_s", seconds(settings.lifecycle_timeout).into()),
        ("idle_timeout_s", settings.idle_timeout.map(seconds).into()),
        ("max_lifetime_s", settings.max_lifetime.map(seconds).into()),
        ("max_uses", settings.max_uses.into()),
        ("check_after_idle_s", settings.check_after_idle.map(seconds).into()),
        ("keepalive_interval_s", settings.keepalive_interval.map(seconds).into()),
        ("fail_fast_after_s", settings.fail_fast_after.map(seconds).into()),
        ("leak_detection_s", settings.leak_detection.map(seconds).into()),
    ])
}

fn counters(counters: &Counters) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("requested", counters.requested),
        ("acquired", counters.acquired),
        ("returned", counters.returned),
        ("timed_out", counters.timed_out),
        ("cancelled", counters.cancelled),
        ("queue_full", counters.queue_full),
        ("failed", counters.failed),
        ("refused_closed", counters.refused_closed),
        ("refused_paused", counters.refused_paused),
        ("opened", counters.opened),
        ("open_failed", counters.open_failed),
        ("leaked", counters.leaked),
        ("checked", counters.checked),
        ("closed", counters.closed.total()),
        ("close_failed", counters.close_failed),
    ])
}

fn closed_by_reason(counters: &Counters) -> BTreeMap<&'static str, u64> {
    counters.closed.by_ending().map(|(ending, sessions)| (ending.as_str(), sessions)).collect()
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}
