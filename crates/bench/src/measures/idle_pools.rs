use allocation_counter::measure;
use tokio::task::yield_now;

use crate::measure::{Figures, Measure, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// What 1,000 pools take of which nobody has asked anything yet, each.
pub(crate) struct IdlePools;

const POOLS: usize = 1_000;
const SIZE: usize = 10;

impl Measure for IdlePools {
    const TESTS: &'static [Test] =
        &[Test::counted("idle_pool_bytes", "bytes"), Test::counted("idle_pool_tasks", "tasks")];
    const FLAVORS: &'static [Flavor] = Flavor::ONE_THREAD;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let runtime = flavor.build();
        let remote = Remote::new();
        let mut pools = Vec::with_capacity(POOLS);
        let counted = measure(|| {
            runtime.block_on(async {
                pools.extend((0..POOLS).map(|_| P::build(remote.clone(), SIZE)));
                settle().await;
            });
        });
        let tasks = runtime.metrics().num_alive_tasks();
        vec![Some(counted.bytes_current as f64 / POOLS as f64), Some(tasks as f64 / POOLS as f64)]
    }
}

/// Lets tasks that were spawned come to rest.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}
