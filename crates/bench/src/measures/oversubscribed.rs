use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measure::{Figures, Measure, Pace, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// 1,000 tasks over 10 sessions, each held for a sleep of 1 ms: as a share of what
/// 10 tasks reach with the same sleeps and no pool. (Tokio's sleep takes nearer to
/// 2 ms than to 1, so the number of holds per second says little.)
pub(crate) struct Oversubscribed;

const TASKS: usize = 1_000;
const SIZE: usize = 10;
const HOLD: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(10);

impl Measure for Oversubscribed {
    const TESTS: &'static [Test] = &[Test::compared("oversubscribed", "of no pool")];

    const PACE: Pace = Pace::Timers;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let alone = flavor.run(LIMIT, without_pool());
        let pooled = flavor.run(LIMIT, with_pool::<P>());
        vec![alone.zip(pooled).map(|(alone, pooled)| alone / pooled)]
    }
}

/// In seconds, as below.
async fn without_pool() -> f64 {
    let began = Instant::now();
    let holds = |_| async {
        for _ in 0..TASKS / SIZE {
            sleep(HOLD).await
        }
    };
    (0..SIZE).map(holds).collect::<JoinSet<()>>().join_all().await;
    began.elapsed().as_secs_f64()
}

async fn with_pool<P: Peer>() -> f64 {
    let pool = P::build(Remote::new(), SIZE);
    let began = Instant::now();
    let tasks: JoinSet<()> = (0..TASKS).map(|_| hold(pool.clone())).collect();
    tasks.join_all().await;
    began.elapsed().as_secs_f64()
}

async fn hold<P: Peer>(pool: P) {
    let lease = pool.acquire().await.expect("a session within the time-out");
    sleep(HOLD).await;
    drop(lease);
}
