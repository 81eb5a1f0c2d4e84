use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measure::{Figures, Measure, Pace, Test};
use crate::peer::{Peer, warm_up};
use crate::remote::Remote;
use crate::runtime::Flavor;

/// HikariCP's *Welcome to the Jungle*: 50 requests at once meet 5 idle sessions of
/// at most 50; opening one takes 150 ms, using one takes 2.
pub(crate) struct Spike;

const REQUESTS: usize = 50;
const SIZE: usize = 50;
const IDLE: usize = 5;
const OPENING: Duration = Duration::from_millis(150);
const HOLD: Duration = Duration::from_millis(2);
/// For pools that take a session back in a task of its own.
const SETTLING: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(5);

impl Measure for Spike {
    /// Sessions that were opened, and begun to be, by the time all were served; the
    /// five there before are not among them.
    const TESTS: &'static [Test] = &[
        Test::compared("spike_ms", "ms"),
        Test::counted("spike_opened", "sessions"),
        Test::counted("spike_begun", "sessions"),
    ];

    const PACE: Pace = Pace::Timers;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let spike = flavor.run(LIMIT, spike::<P>());
        spike.map_or_else(|| vec![None; Self::TESTS.len()], |spike| spike.map(Some).to_vec())
    }
}

async fn spike<P: Peer>() -> [f64; 3] {
    let remote = Remote::new();
    let pool = P::build(remote.clone(), SIZE);
    warm_up(&pool, IDLE).await;
    sleep(SETTLING).await;
    let (begun, opened) = (remote.begun(), remote.opened());
    remote.set_delay(OPENING);

    let began = Instant::now();
    let requests: JoinSet<()> = (0..REQUESTS).map(|_| request(pool.clone())).collect();
    requests.join_all().await;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    [millis, (remote.opened() - opened) as f64, (remote.begun() - begun) as f64]
}

async fn request<P: Peer>(pool: P) {
    let lease = pool.acquire().await.expect("a session within the time-out");
    sleep(HOLD).await;
    drop(lease);
}
