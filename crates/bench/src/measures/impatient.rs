use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::measure::{Figures, Measure, Pace, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// Opening takes 300 ms, and the callers give up after 100 ms and try again: when
/// has each been served? Never, where giving up throws the half-made session away.
pub(crate) struct Impatient;

const CALLERS: usize = 4;
const SIZE: usize = 10;
const OPENING: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(3);

impl Measure for Impatient {
    const TESTS: &'static [Test] = &[Test::counted("impatient_ms", "ms")];
    const PACE: Pace = Pace::LongTimers;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        vec![flavor.run(LIMIT, milliseconds::<P>())]
    }
}

async fn milliseconds<P: Peer>() -> f64 {
    let remote = Remote::new();
    remote.set_delay(OPENING);
    let pool = P::build(remote, SIZE);
    let began = Instant::now();
    let callers: JoinSet<()> = (0..CALLERS).map(|_| call_until_served(pool.clone())).collect();
    callers.join_all().await;
    began.elapsed().as_secs_f64() * 1e3
}

async fn call_until_served<P: Peer>(pool: P) {
    while !matches!(timeout(PATIENCE, pool.acquire()).await, Ok(Ok(_))) {}
}
