use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

use crate::measure::{Figures, Measure, Pace, Test};
use crate::peer::Peer;
use crate::peers::Name;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// How much of the CPU's time it takes to turn away a crowd: 100,000 tasks queue for one
/// session, which does not come back, and are all told so when their time is over.
pub(crate) struct Timeouts;

const WAITERS: usize = 100_000;
/// Enough for all to be in the queue before the first leaves it.
const PATIENCE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(30);

impl Measure for Timeouts {
    const TESTS: &'static [Test] = &[Test::counted("timeouts_cpu_ms", "ms of CPU")];

    /// The one thread's time is all there is.
    const FLAVORS: &'static [Flavor] = Flavor::ONE_THREAD;

    const POOLS: &'static [Name] = &[Name::Sessionpool];
    const PACE: Pace = Pace::Timers;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        vec![flavor.run(LIMIT, milliseconds::<P>()).flatten()]
    }
}

async fn milliseconds<P: Peer>() -> Option<f64> {
    let pool = P::build_crowded(Remote::new(), 1, WAITERS, PATIENCE)?;
    let held = pool.acquire().await.expect("a session that opens at once");
    let began = milliseconds_of_this_thread();
    let callers: JoinSet<bool> = (0..WAITERS)
        .map(|_| {
            let pool = pool.clone();
            async move { pool.acquire().await.is_err() }
        })
        .collect();
    let turned_away = callers.join_all().await;
    let took = milliseconds_of_this_thread() - began;
    drop(held);
    turned_away.into_iter().all(|away| away).then_some(took)
}

fn milliseconds_of_this_thread() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
