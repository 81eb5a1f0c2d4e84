use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use allocation_counter::measure;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use crate::measure::{Figures, Measure, Test};
use crate::peer::{Peer, operate};
use crate::remote::Remote;
use crate::runtime::Flavor;

/// Heap allocations per acquire and return by one task.
pub(crate) struct Allocations;

/// Heap allocations per acquire and return where most acquires have to wait.
pub(crate) struct AllocationsWaiting;

const SIZE: usize = 10;
const WARM_UP: u64 = 2_000;
const OPERATIONS: u64 = 10_000;
const COMPETITORS: usize = 8;

impl Measure for Allocations {
    const TESTS: &'static [Test] = &[Test::counted("allocs", "allocations")];
    const FLAVORS: &'static [Flavor] = Flavor::ONE_THREAD;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let runtime = flavor.build();
        let pool = runtime.block_on(async { P::build(Remote::new(), SIZE) });
        runtime.block_on(operate(&pool, WARM_UP as usize));
        let counted = measure(|| runtime.block_on(operate(&pool, OPERATIONS as usize)));
        vec![Some(per_operation(counted.count_total, OPERATIONS))]
    }
}

impl Measure for AllocationsWaiting {
    const TESTS: &'static [Test] = &[Test::counted("allocs_waiting", "allocations")];
    const FLAVORS: &'static [Flavor] = Flavor::ONE_THREAD;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let runtime = flavor.build();
        let pool = runtime.block_on(async { P::build(Remote::new(), 1) });
        let competition = Competition::start(&runtime, &pool);
        competition.run(&runtime, WARM_UP);
        let before = competition.operations();
        let counted = measure(|| competition.run(&runtime, OPERATIONS));
        let operations = competition.operations() - before;
        competition.stop(&runtime);
        vec![Some(per_operation(counted.count_total, operations))]
    }
}

/// To two places: a few allocations of the runtime's own are spread over all.
fn per_operation(allocations: u64, operations: u64) -> f64 {
    (allocations as f64 / operations as f64 * 100.0).round() / 100.0
}

/// Tasks over one session. They go on while the runtime is run, and stand still
/// in between.
struct Competition {
    operations: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
}

impl Competition {
    fn start<P: Peer>(runtime: &Runtime, pool: &P) -> Self {
        let this = Self { operations: Arc::default(), stopped: Arc::default() };
        for _ in 0..COMPETITORS {
            let (operations, stopped) = (this.operations.clone(), this.stopped.clone());
            runtime.spawn(compete(pool.clone(), operations, stopped));
        }
        this
    }

    /// Until so many operations more are done.
    fn run(&self, runtime: &Runtime, operations: u64) {
        let end = self.operations() + operations;
        runtime.block_on(async {
            while self.operations() < end {
                yield_now().await;
            }
        });
    }

    fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// Lets the tasks end, so that what they hold goes back to a live pool.
    fn stop(self, runtime: &Runtime) {
        self.stopped.store(true, Ordering::Relaxed);
        runtime.block_on(async {
            while Arc::strong_count(&self.stopped) > 1 {
                yield_now().await;
            }
        });
    }
}

async fn compete<P: Peer>(pool: P, operations: Arc<AtomicU64>, stopped: Arc<AtomicBool>) {
    while !stopped.load(Ordering::Relaxed) {
        let lease = pool.acquire().await.expect("a session within the time-out");
        yield_now().await;
        drop(lease);
        operations.fetch_add(1, Ordering::Relaxed);
    }
}
