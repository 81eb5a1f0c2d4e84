use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::peers::SqlPeer;
use super::site::{Site, Way};
use crate::statistics::median;

/// One measurement of every pool.
pub(super) struct Run<'s, O> {
    site: &'s Site<O>,
    way: Way,
    slice: Duration,
}

/// A test's name, its unit and its value.
pub(super) type Found = (String, &'static str, f64);

const SIZE: usize = 8;
const TASKS: usize = 32;
const WARM_UP: usize = 100;
const BATCH: u32 = 20;
const COUNTED: u32 = 20;

/// What goes on in the background after a session was given back.
const BACKGROUND: Duration = Duration::from_millis(20);

impl<'s, O> Run<'s, O> {
    pub(super) fn all(site: &'s Site<O>, slice: Duration) -> Vec<Self> {
        let run = |way| {
            let times = match way {
                Way::Counted => 1,
                Way::Direct => 4,
                Way::Distant => 8,
            };
            Self { site, way, slice: slice * times }
        };
        site.ways().iter().copied().map(run).collect()
    }

    async fn trips<P: SqlPeer>(&self, pool: &P) -> Vec<Found> {
        let mut found = Vec::new();
        for (test, is_unit) in [("select1", false), ("unit", true)] {
            for _ in 0..3 {
                operate(pool, is_unit).await;
            }
            sleep(BACKGROUND).await;
            let before = self.site.round_trips();
            for _ in 0..COUNTED {
                operate(pool, is_unit).await;
                sleep(BACKGROUND / 4).await;
            }
            sleep(BACKGROUND).await;
            let trips = self.site.round_trips() - before;
            let test = format!("{}_trips_{test}", self.site.name);
            found.push((test, "round trips", trips as f64 / f64::from(COUNTED)));
        }
        found
    }

    async fn times<P: SqlPeer>(&self, pool: &P, way: &str) -> Vec<Found> {
        let (mut found, prefix) = (Vec::new(), format!("{}{way}", self.site.name));
        for (test, is_unit) in [("select1", false), ("unit", true)] {
            warm_up(pool, is_unit).await;
            let (elapsed, computed) = alone(pool, is_unit, self.slice).await;
            found.push((format!("{prefix}_{test}"), "us", elapsed));
            if self.way == Way::Direct {
                found.push((format!("{prefix}_{test}_cpu"), "us", computed));
            }
            if !P::IS_POOL {
                continue;
            }
            let together = together(pool, is_unit, self.slice).await;
            found.push((format!("{prefix}_{test}_32"), "operations/s", together));
        }
        found
    }
}

/// Measures one pool, freshly built on a fresh runtime.
pub(super) fn measure<P: SqlPeer>(run: &Run<'_, P::Options>) -> Vec<Found> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let found = runtime.block_on(async {
        let pool = P::build(run.site.options(run.way), SIZE);
        match run.way {
            Way::Counted => run.trips(&pool).await,
            Way::Direct => run.times(&pool, "").await,
            Way::Distant => run.times(&pool, "_1ms").await,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    found
}

async fn operate<P: SqlPeer>(pool: &P, is_unit: bool) {
    if is_unit {
        pool.unit().await;
    } else {
        pool.select1().await;
    }
}

/// Has all connections open, and their statements prepared.
async fn warm_up<P: SqlPeer>(pool: &P, is_unit: bool) {
    let tasks: JoinSet<()> = (0..TASKS)
        .map(|_| {
            let pool = pool.clone();
            async move {
                for _ in 0..WARM_UP / 10 {
                    operate(&pool, is_unit).await;
                }
            }
        })
        .collect();
    tasks.join_all().await;
}

/// One task: microseconds per operation, the median over batches, and how many of them
/// this process computed, which is steadier beside other work.
async fn alone<P: SqlPeer>(pool: &P, is_unit: bool, slice: Duration) -> (f64, f64) {
    let end = Instant::now() + slice;
    let (mut elapsed, mut computed) = (Vec::new(), Vec::new());
    let per_operation = |time: Duration| Some(time.as_secs_f64() * 1e6 / f64::from(BATCH));
    while elapsed.is_empty() || Instant::now() < end {
        let (began, before) = (Instant::now(), cpu_time());
        for _ in 0..BATCH {
            operate(pool, is_unit).await;
        }
        elapsed.push(per_operation(began.elapsed()));
        computed.push(per_operation(cpu_time().saturating_sub(before)));
    }
    (median(elapsed).unwrap_or_default(), median(computed).unwrap_or_default())
}

/// How long all threads of this process have computed.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// 32 tasks over 8 sessions: operations per second.
async fn together<P: SqlPeer>(pool: &P, is_unit: bool, slice: Duration) -> f64 {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let tasks: JoinSet<()> = (0..TASKS)
        .map(|_| {
            let (pool, stop, done) = (pool.clone(), Arc::clone(&stop), Arc::clone(&done));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    operate(&pool, is_unit).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .collect();
    sleep(slice).await;
    let (operations, elapsed) = (done.load(Ordering::Relaxed), began.elapsed());
    stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    operations as f64 / elapsed.as_secs_f64()
}
