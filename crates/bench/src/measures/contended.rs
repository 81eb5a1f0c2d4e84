use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use crate::measure::{Figures, Measure, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;
use crate::statistics::{jain, quantile};

/// 64 tasks over 8 sessions, each of which lets the others run while it holds one.
pub(crate) struct Contended {
    pub(crate) slice: Duration,
}

const TASKS: usize = 64;
const SIZE: usize = 8;
/// Every how many operations one is timed, each task at its own turn: two clock
/// readings for each would cost the fast pools more than the slow ones.
const SAMPLED: u64 = 16;
/// Timed operations for which a task has room without growing.
const ROOM: usize = 8_192;
const LIMIT: Duration = Duration::from_secs(10);

impl Measure for Contended {
    const TESTS: &'static [Test] = &[
        Test::compared("contended", "operations/s"),
        Test::compared("contended_wait_p99", "us"),
        Test::counted("contended_jain", "Jain's index"),
    ];

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let race = flavor.run(LIMIT, race::<P>(self.slice));
        race.map_or_else(|| vec![None; Self::TESTS.len()], |race| race.figures())
    }
}

/// What all tasks did until they were stopped.
struct Race {
    elapsed: Duration,
    tallies: Vec<Tally>,
}

/// What one task did.
struct Tally {
    operations: u64,
    waits: Vec<f64>,
}

async fn race<P: Peer>(slice: Duration) -> Race {
    let pool = P::build(Remote::new(), SIZE);
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: JoinSet<Tally> =
        (0..TASKS).map(|task| compete(pool.clone(), task, Arc::clone(&stop))).collect();
    sleep(slice).await;
    stop.store(true, Ordering::Relaxed);
    let elapsed = began.elapsed();
    Race { elapsed, tallies: tasks.join_all().await }
}

async fn compete<P: Peer>(pool: P, task: usize, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally { operations: 0, waits: Vec::with_capacity(ROOM) };
    // Never the very first operation, which waits for the runtime to start.
    let mut timed = 1 + task as u64 % SAMPLED;
    while !stop.load(Ordering::Relaxed) {
        let asked = (tally.operations == timed).then(Instant::now);
        let lease = pool.acquire().await.expect("a session within the time-out");
        if let Some(asked) = asked {
            tally.waits.push(asked.elapsed().as_nanos() as f64 / 1e3);
            timed += SAMPLED;
        }
        yield_now().await;
        drop(lease);
        tally.operations += 1;
    }
    tally
}

impl Race {
    fn figures(self) -> Figures {
        let operations: Vec<f64> =
            self.tallies.iter().map(|tally| tally.operations as f64).collect();
        let rate = operations.iter().sum::<f64>() / self.elapsed.as_secs_f64();
        let fairness = jain(&operations);
        let waits = self.tallies.into_iter().flat_map(|tally| tally.waits).collect();
        vec![Some(rate), quantile(waits, 0.99), Some(fairness)]
    }
}
