use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, trace, warn};

use super::{
    Acquire, Cancelled, Checked, Checking, Cleaned, Cleaning, Closed, Closing, Flushed, HookFailed,
    Leaked, Lent, OpenFailed, Opened, Opening, Outlived, PoolEvents, Queued, Refused, Returned,
    TimedOut,
};
use crate::{Chain, Pause, WeakAnyPool};

/// Logs what happens in a pool, by `tracing`, with the target `sessionpool`.
///
/// | level | what |
/// |---|---|
/// | `WARN` | leaks, slow acquires, time-outs, refusals, failed openings, sessions that could not be cleaned or whose end the remote end did not confirm, idle times that the remote end does not allow, flushes |
/// | `INFO` | openings succeed again; the pool was paused, resumed, resized or closed |
/// | `DEBUG` | sessions opened and gone, failed checks, acquires cancelled |
/// | `TRACE` | the rest: every acquire and return |
///
/// What every caller may meet while a backend is down is logged once in ten seconds for
/// each kind and pool, leaks for each place that acquired, and says how many it stands for
/// as `suppressed`. One serves all pools of a service; what one of them suppresses hides
/// nothing of another's.
///
/// An acquire is slow that waited for [so long](Self::slow_acquire), a session has leaked
/// that was lent for longer than [`leak_detection`](crate::PoolBuilder::leak_detection); both are
/// told with the place in the source that acquired. Units of work have [spans](super#spans),
/// whoever listens.
///
/// ```
/// # use std::sync::Arc;
/// # use sessionpool_core::{Pool, event};
/// # let backend = sessionpool_testkit::Scripted::new();
/// let pool = Pool::builder(backend).events(Arc::new(event::Traced::new())).build()?;
/// # Ok::<_, sessionpool_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Traced {
    slow: Duration,
    slow_acquires: Throttle,
    time_outs: Throttle,
    refusals: Throttle,
    failed_openings: Throttle,
    unconfirmed: Throttle,
    unclean: Throttle,
    failed_hooks: Throttle,
    leaks: BySite,
}

impl Traced {
    /// Calls an acquire slow that waited for a second.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slow: Duration::from_secs(1),
            slow_acquires: Throttle::new(),
            time_outs: Throttle::new(),
            refusals: Throttle::new(),
            failed_openings: Throttle::new(),
            unconfirmed: Throttle::new(),
            unclean: Throttle::new(),
            failed_hooks: Throttle::new(),
            leaks: BySite::new(),
        }
    }

    /// Calls an acquire slow that waited for so long. Default: 1 s.
    #[must_use]
    pub const fn slow_acquire(mut self, waited: Duration) -> Self {
        self.slow = waited;
        self
    }
}

impl Default for Traced {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets one line through in a while, and counts the others.
#[derive(Debug)]
struct Throttle(Mutex<Held>);

#[derive(Debug)]
struct Held {
    last: Option<Instant>,
    suppressed: u64,
}

const A_WHILE: Duration = Duration::from_secs(10);

impl Throttle {
    const fn new() -> Self {
        Self(Mutex::new(Held { last: None, suppressed: 0 }))
    }

    /// How many lines were suppressed since the last that was not; `None` suppresses
    /// this one, too.
    fn pass(&self) -> Option<u64> {
        let now = Instant::now();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.last.is_some_and(|last| now.saturating_duration_since(last) < A_WHILE) {
            held.suppressed += 1;
            return None;
        }
        held.last = Some(now);
        Some(std::mem::take(&mut held.suppressed))
    }
}

/// A throttle for each place in the source, lest one hides another.
#[derive(Debug)]
struct BySite(Mutex<BTreeMap<&'static Location<'static>, Throttle>>);

impl BySite {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn pass(&self, site: &'static Location<'static>) -> Option<u64> {
        let mut throttles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        throttles.entry(site).or_insert_with(Throttle::new).pass()
    }
}

/// A line with what every acquire has.
macro_rules! of_acquire {
    ($level:ident, $pool:ident, $acquire:expr, $($rest:tt)+) => {{
        let Acquire { site, class } = &$acquire;
        $level!(target: "sessionpool", pool = $pool, site = %site, class = class.as_deref(), $($rest)+)
    }};
}

impl PoolEvents for Traced {
    fn attach(&self, _: Option<&str>, _: &WeakAnyPool) -> Option<Arc<dyn PoolEvents>> {
        Some(Arc::new(Self::new().slow_acquire(self.slow)))
    }

    fn queued(&self, pool: Option<&str>, event: &Queued) {
        of_acquire!(trace, pool, event.acquire, waiters = event.waiters, "an acquire waits");
    }

    fn lent(&self, pool: Option<&str>, event: &Lent) {
        let (session, waited) = (event.session, event.waits.total());
        if waited >= self.slow {
            if let Some(suppressed) = self.slow_acquires.pass() {
                let waits = event.waits;
                of_acquire!(
                    warn, pool, event.acquire, session, ?waits.queueing, ?waits.checking,
                    ?waits.opening, suppressed, "an acquire waited for {waited:.1?}"
                );
            }
        }
        of_acquire!(trace, pool, event.acquire, session, ?waited, "a session was lent");
    }

    fn timed_out(&self, pool: Option<&str>, event: &TimedOut) {
        if let Some(suppressed) = self.time_outs.pass() {
            let TimedOut { acquire, limit, phase, waits } = event;
            of_acquire!(
                warn, pool, *acquire, %phase, ?waits.queueing, ?waits.checking, ?waits.opening,
                suppressed, "no session was lent within {limit:?}"
            );
        }
    }

    fn cancelled(&self, pool: Option<&str>, event: &Cancelled) {
        let waited = event.waits.total();
        of_acquire!(debug, pool, event.acquire, ?waited, "an acquire was cancelled");
    }

    fn refused(&self, pool: Option<&str>, event: &Refused) {
        if let Some(suppressed) = self.refusals.pass() {
            let reason = event.reason;
            of_acquire!(warn, pool, event.acquire, ?reason, suppressed, "an acquire was refused");
        }
    }

    fn returned(&self, pool: Option<&str>, event: &Returned) {
        let Returned { acquire, session, condition, .. } = event;
        let held = event.held();
        of_acquire!(trace, pool, *acquire, session, ?held, ?condition, "a session came back");
    }

    fn leaked(&self, pool: Option<&str>, event: &Leaked) {
        if let Some(suppressed) = self.leaks.pass(event.acquire.site) {
            let Leaked { acquire, session, held } = event;
            of_acquire!(
                warn,
                pool,
                *acquire,
                session,
                suppressed,
                "a session has been lent for {held:.1?}"
            );
        }
    }

    fn opening(&self, pool: Option<&str>, event: &Opening) {
        trace!(target: "sessionpool", pool, opening = event.opening, "opening a session");
    }

    fn opened(&self, pool: Option<&str>, event: &Opened) {
        let Opened { session, took, streak, .. } = event;
        if *streak > 0 {
            info!(target: "sessionpool", pool, failures = streak, "openings succeed again");
        }
        debug!(target: "sessionpool", pool, session, ?took, "a session was opened");
    }

    fn open_failed(&self, pool: Option<&str>, event: &OpenFailed) {
        if let Some(suppressed) = self.failed_openings.pass() {
            let OpenFailed { took, fault, streak, .. } = event;
            let cause = Chain(&*event.cause);
            warn!(
                target: "sessionpool", pool, ?took, %fault, failures = streak, suppressed,
                "no session could be opened: {cause}"
            );
        }
    }

    fn checking(&self, pool: Option<&str>, event: &Checking) {
        let Checking { session, silent } = event;
        trace!(target: "sessionpool", pool, session, ?silent, "checking a session");
    }

    fn checked(&self, pool: Option<&str>, event: &Checked) {
        let session = event.session;
        match event.fault {
            Some(fault) => debug!(target: "sessionpool", pool, session, %fault, "a check failed"),
            None => trace!(target: "sessionpool", pool, session, "a session is alive"),
        }
    }

    fn cleaning(&self, pool: Option<&str>, event: &Cleaning) {
        trace!(target: "sessionpool", pool, session = event.session, "cleaning a session");
    }

    fn cleaned(&self, pool: Option<&str>, event: &Cleaned) {
        let session = event.session;
        if event.fit {
            trace!(target: "sessionpool", pool, session, "a session was cleaned");
        } else if let Some(suppressed) = self.unclean.pass() {
            warn!(target: "sessionpool", pool, session, suppressed, "a session could not be cleaned");
        }
    }

    fn closing(&self, pool: Option<&str>, event: &Closing) {
        let Closing { session, ending } = event;
        trace!(target: "sessionpool", pool, session, ?ending, "ending a session");
    }

    fn closed(&self, pool: Option<&str>, event: &Closed) {
        let Closed { session, ending, age, confirmed } = event;
        debug!(target: "sessionpool", pool, session, ?ending, ?age, confirmed, "a session is gone");
        if *confirmed {
            return;
        }
        if let Some(suppressed) = self.unconfirmed.pass() {
            warn!(
                target: "sessionpool", pool, session, ?ending, suppressed,
                "the remote end did not confirm that a session has ended"
            );
        }
    }

    fn hook_failed(&self, pool: Option<&str>, event: &HookFailed) {
        if let Some(suppressed) = self.failed_hooks.pass() {
            let HookFailed { session, hook, .. } = event;
            let cause = Chain(&*event.cause);
            warn!(target: "sessionpool", pool, session, suppressed, "{hook} failed: {cause}");
        }
    }

    fn outlived(&self, pool: Option<&str>, event: &Outlived) {
        let Outlived { limit, idle_timeout, keepalive_interval } = event;
        let changed = [("idle_timeout", idle_timeout), ("keepalive_interval", keepalive_interval)];
        let changed = changed.map(|(name, now)| now.map(|now| format!("{name} is {now:?}")));
        let changed = changed.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        warn!(
            target: "sessionpool", pool,
            "the remote end ends a session that is idle for {limit:?}, and the pool would keep \
             it: {changed} now; set that below {limit:?}"
        );
    }

    fn flushed(&self, pool: Option<&str>, event: &Flushed) {
        let generation = event.generation;
        warn!(target: "sessionpool", pool, generation, "every session there was is suspect");
    }

    fn paused(&self, pool: Option<&str>, pause: Pause) {
        info!(target: "sessionpool", pool, ?pause, "the pool was paused");
    }

    fn resumed(&self, pool: Option<&str>) {
        info!(target: "sessionpool", pool, "the pool lends again");
    }

    fn resized(&self, pool: Option<&str>, max_size: usize) {
        info!(target: "sessionpool", pool, max_size, "the pool was resized");
    }

    fn pool_closed(&self, pool: Option<&str>) {
        info!(target: "sessionpool", pool, "the pool was closed");
    }
}
