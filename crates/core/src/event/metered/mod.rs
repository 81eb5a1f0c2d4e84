//! What happens in a pool, as metrics.

mod gauges;
mod meter;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use self::gauges::Gauges;
use self::meter::Meter;
use super::PoolEvents;
use crate::{AnyPool, WeakAnyPool};

/// Measures pools, by the [`metrics`] facade, under OpenTelemetry's names for pools of
/// database connections. One serves all pools of a service.
///
/// ```
/// # use std::sync::Arc;
/// # use sessionpool_core::{Pool, event};
/// # let (shop, reports) = (sessionpool_testkit::Scripted::new(), sessionpool_testkit::Scripted::new());
/// let metered = Arc::new(event::Metered::new());
/// let shop = Pool::builder(shop).name("shop").events(metered.clone()).build()?;
/// let reports = Pool::builder(reports).name("reports").events(metered.clone()).build()?;
///
/// // Whenever the metrics are about to be read:
/// metered.sample();
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// ```
///
/// # What is measured
///
/// What happens is counted as it happens. What *is*, the gauges, is looked at when
/// [`sample`](Self::sample) is called: all that [`Pool::status`](crate::Pool::status) knows at
/// one instant, so that it agrees with itself, and none ever drifts.
///
/// | name | kind | unit | what |
/// |---|---|---|---|
/// | `db.client.connection.count` | gauge | `{connection}` | sessions, by `db.client.connection.state`: `idle`, `used`, and `opening`, `checking`, `cleaning`, `closing` |
/// | `db.client.connection.max` | gauge | `{connection}` | `max_size` |
/// | `db.client.connection.idle.max` | gauge | `{connection}` | `max_idle` |
/// | `db.client.connection.idle.min` | gauge | `{connection}` | `min_idle` |
/// | `db.client.connection.pending_requests` | gauge | `{request}` | acquires that wait |
/// | `db.client.connection.timeouts` | counter | `{timeout}` | acquires whose time ran out |
/// | `db.client.connection.create_time` | histogram | s | how long an opening took that succeeded |
/// | `db.client.connection.wait_time` | histogram | s | how long an acquire waited that got a session, to within a step of the kernel's coarse clock (1 to 4 ms); zero if one was idle |
/// | `db.client.connection.use_time` | histogram | s | how long a session was lent, in steps of the kernel's coarse clock (1 to 4 ms) |
/// | `sessionpool.acquire.oldest_wait` | gauge | s | how long the first in the queue has waited |
/// | `sessionpool.acquire.refused` | counter | `{request}` | acquires told that they get none, by `sessionpool.reason` ([`Reason`](super::Reason)) |
/// | `sessionpool.acquire.cancelled` | counter | `{request}` | acquires dropped while they waited |
/// | `sessionpool.session.open_failures` | counter | `{failure}` | openings that failed, by `error.type` ([`Fault`](crate::Fault)) |
/// | `sessionpool.session.closed` | counter | `{session}` | sessions gone, by `sessionpool.reason` ([`Ending`](super::Ending)) |
/// | `sessionpool.session.unconfirmed` | counter | `{session}` | of those, ended without the remote end's word |
/// | `sessionpool.session.leaked` | counter | `{session}` | leases that lasted longer than `leak_detection` |
/// | `sessionpool.generation` | gauge | `{generation}` | how often all sessions there were became suspect |
///
/// Each has the pool's name as `db.client.connection.pool.name`, which has to tell it from
/// the service's others: `unnamed` where it has none. The names that begin with `db.` are
/// those of [OpenTelemetry's conventions][otel], 1.44; what these have no name for is named
/// apart, as they ask. A Prometheus exporter writes `_` for each dot.
///
/// [otel]: https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#connection-pools
///
/// # The recorder
///
/// It has to be installed before the pools are built, since that is when the series are
/// registered, once; and it may not forget them when nothing happens (`idle_timeout` of the
/// Prometheus exporter). Who answers scrapes by himself samples first:
///
/// ```
/// # trait Render { fn render(&self) -> String; }
/// # use sessionpool_core::event::Metered;
/// fn metrics(metered: &Metered, prometheus: &impl Render) -> String {
///     metered.sample();
///     prometheus.render()
/// }
/// ```
///
/// Histograms are the exporter's to shape: Prometheus' writes summaries unless it is told
/// the buckets, and keeps each value until its upkeep has run.
///
/// With an exporter that pushes, or answers scrapes itself, call it as often as that
/// does, in a task: the gauges are as old as the last call.
///
/// ```no_run
/// # use std::{sync::Arc, time::Duration};
/// # use sessionpool_core::event::Metered;
/// # fn f(metered: Arc<Metered>) {
/// tokio::spawn(async move {
///     loop {
///         metered.sample();
///         tokio::time::sleep(Duration::from_secs(5)).await;
///     }
/// });
/// # }
/// ```
#[derive(Default)]
pub struct Metered {
    pools: Mutex<Vec<Sampled>>,
}

struct Sampled {
    pool: WeakAnyPool,
    gauges: Gauges,
}

impl Metered {
    /// Measures no pool yet: give it to [`PoolBuilder::events`](crate::PoolBuilder::events).
    #[must_use]
    pub const fn new() -> Self {
        Self { pools: Mutex::new(Vec::new()) }
    }

    /// Sets the gauges of every pool it was given to, to what that is now. Those of a
    /// pool whose last handle is gone are zero.
    ///
    /// Takes each pool's lock for as long as [`Pool::status`](crate::Pool::status) and
    /// [`Pool::settings`](crate::Pool::settings) do.
    pub fn sample(&self) {
        self.visit(Gauges::set);
    }

    /// Shows every pool that is there, and lets go of the others.
    fn visit(&self, look: impl Fn(&Gauges, &AnyPool)) {
        let mut seen = Vec::new();
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).retain(|sampled| {
            let pool = sampled.pool.upgrade();
            match &pool {
                Some(pool) => look(&sampled.gauges, pool),
                None => sampled.gauges.clear(),
            }
            let is_there = pool.is_some();
            seen.extend(pool);
            is_there
        });
        // Only now: should one be the last handle, its listeners are told.
        drop(seen);
    }
}

impl PoolEvents for Metered {
    fn attach(&self, pool: Option<&str>, handle: &WeakAnyPool) -> Option<Arc<dyn PoolEvents>> {
        let name: Arc<str> = pool.unwrap_or("unnamed").into();
        self.visit(|_, _| {});
        let sampled = Sampled { pool: handle.clone(), gauges: Gauges::of(&name) };
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(sampled);
        Some(Arc::new(Meter::of(&name)))
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Metered").field("pools", &pools).finish()
    }
}

/// The attribute that tells pools apart.
const POOL: &str = "db.client.connection.pool.name";
