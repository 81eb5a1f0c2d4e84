use std::sync::Arc;
use std::time::Duration;

use metrics::{Gauge, Unit, describe_gauge, gauge};

use super::POOL;
use crate::{AnyPool, PoolSettings, Status};

/// What a pool is.
pub(super) struct Gauges {
    idle: Gauge,
    used: Gauge,
    opening: Gauge,
    checking: Gauge,
    cleaning: Gauge,
    closing: Gauge,
    max: Gauge,
    idle_max: Gauge,
    idle_min: Gauge,
    pending_requests: Gauge,
    oldest_wait: Gauge,
    generation: Gauge,
}

const COUNT: &str = "db.client.connection.count";
const STATE: &str = "db.client.connection.state";
const MAX: &str = "db.client.connection.max";
const IDLE_MAX: &str = "db.client.connection.idle.max";
const IDLE_MIN: &str = "db.client.connection.idle.min";
const PENDING_REQUESTS: &str = "db.client.connection.pending_requests";
const OLDEST_WAIT: &str = "sessionpool.acquire.oldest_wait";
const GENERATION: &str = "sessionpool.generation";

impl Gauges {
    pub(super) fn of(pool: &Arc<str>) -> Self {
        describe();
        let named = |name: &'static str| gauge!(name, POOL => Arc::clone(pool));
        let count = |state: &'static str| gauge!(COUNT, POOL => Arc::clone(pool), STATE => state);
        Self {
            idle: count("idle"),
            used: count("used"),
            opening: count("opening"),
            checking: count("checking"),
            cleaning: count("cleaning"),
            closing: count("closing"),
            max: named(MAX),
            idle_max: named(IDLE_MAX),
            idle_min: named(IDLE_MIN),
            pending_requests: named(PENDING_REQUESTS),
            oldest_wait: named(OLDEST_WAIT),
            generation: named(GENERATION),
        }
    }

    pub(super) fn set(&self, pool: &AnyPool) {
        let PoolSettings { max_idle, min_idle, .. } = pool.settings();
        let status = pool.status();
        self.idle_max.set(max_idle as f64);
        self.idle_min.set(min_idle as f64);
        self.set_status(&status);
    }

    /// The pool is gone.
    pub(super) fn clear(&self) {
        [
            &self.idle,
            &self.used,
            &self.opening,
            &self.checking,
            &self.cleaning,
            &self.closing,
            &self.max,
            &self.idle_max,
            &self.idle_min,
            &self.pending_requests,
            &self.oldest_wait,
            &self.generation,
        ]
        .into_iter()
        .for_each(|gauge| gauge.set(0.0));
    }

    fn set_status(&self, status: &Status) {
        self.idle.set(status.idle as f64);
        self.used.set(status.leased as f64);
        self.opening.set(status.opening as f64);
        self.checking.set(status.checking as f64);
        self.cleaning.set(status.cleaning as f64);
        self.closing.set(status.closing as f64);
        self.max.set(status.max_size as f64);
        self.pending_requests.set(status.waiters as f64);
        self.oldest_wait.set(status.oldest_waiter.unwrap_or(Duration::ZERO));
        self.generation.set(status.generation as f64);
    }
}

fn describe() {
    let sessions = "The number of connections that are currently in the state of the attribute";
    describe_gauge!(COUNT, Unit::Count, sessions);
    describe_gauge!(MAX, Unit::Count, "The maximum number of open connections allowed");
    describe_gauge!(IDLE_MAX, Unit::Count, "The maximum number of idle connections allowed");
    describe_gauge!(IDLE_MIN, Unit::Count, "The minimum number of idle connections kept");
    let pending = "The number of pending requests for an open connection";
    describe_gauge!(PENDING_REQUESTS, Unit::Count, pending);
    let oldest = "How long the first in the queue for a session has waited";
    describe_gauge!(OLDEST_WAIT, Unit::Seconds, oldest);
    let generation = "How often all sessions there were became suspect";
    describe_gauge!(GENERATION, Unit::Count, generation);
}
