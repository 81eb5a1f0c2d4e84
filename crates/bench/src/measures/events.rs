use std::time::{Duration, Instant};

use crate::measure::{Figures, Measure, Test};
use crate::peer::{Peer, operate};
use crate::peers::Name;
use crate::remote::Remote;
use crate::runtime::Flavor;
use crate::statistics::median;

/// What it costs to be listened to: one task that takes a session and gives it back, from
/// a pool whose events are told to a listener that does nothing, and from one that tells
/// nobody, by turns.
pub(crate) struct Events {
    pub(crate) slice: Duration,
}

const SIZE: usize = 10;
const WARM_UP: usize = 2_000;
const BATCH: usize = 500;
const LIMIT: Duration = Duration::from_secs(10);

impl Measure for Events {
    const TESTS: &'static [Test] = &[Test::counted("events_ratio", "of no listener")];

    const POOLS: &'static [Name] = &[Name::Sessionpool];

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        vec![flavor.run(LIMIT, ratio::<P>(self.slice)).flatten()]
    }
}

async fn ratio<P: Peer>(slice: Duration) -> Option<f64> {
    let heard = P::build_listened(Remote::new(), SIZE)?;
    let unheard = P::build(Remote::new(), SIZE);
    operate(&heard, WARM_UP).await;
    operate(&unheard, WARM_UP).await;
    let end = Instant::now() + slice;
    let mut ratios = Vec::new();
    while Instant::now() < end {
        let with = nanoseconds(&heard).await;
        let without = nanoseconds(&unheard).await;
        ratios.push(Some(with / without));
    }
    median(ratios)
}

async fn nanoseconds<P: Peer>(pool: &P) -> f64 {
    let began = Instant::now();
    operate(pool, BATCH).await;
    began.elapsed().as_nanos() as f64
}
