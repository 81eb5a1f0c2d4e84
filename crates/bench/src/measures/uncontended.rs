use std::time::{Duration, Instant};

use crate::measure::{Figures, Measure, Test};
use crate::peer::{Peer, operate};
use crate::remote::Remote;
use crate::runtime::Flavor;
use crate::statistics::median;

/// One task that takes a session and gives it back, again and again.
pub(crate) struct Uncontended {
    pub(crate) slice: Duration,
}

const SIZE: usize = 10;
const WARM_UP: usize = 2_000;
/// Long enough to make the two clock readings around it invisible, short enough
/// for most batches to pass undisturbed by the rest of the machine.
const BATCH: usize = 500;
const LIMIT: Duration = Duration::from_secs(10);

impl Measure for Uncontended {
    const TESTS: &'static [Test] = &[Test::compared("uncontended", "ns")];

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        vec![flavor.run(LIMIT, nanoseconds::<P>(self.slice)).flatten()]
    }
}

/// Per acquire and return: the median over batches.
async fn nanoseconds<P: Peer>(slice: Duration) -> Option<f64> {
    let pool = P::build(Remote::new(), SIZE);
    operate(&pool, WARM_UP).await;
    let end = Instant::now() + slice;
    let mut batches = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        operate(&pool, BATCH).await;
        batches.push(Some(began.elapsed().as_nanos() as f64 / BATCH as f64));
    }
    median(batches)
}
