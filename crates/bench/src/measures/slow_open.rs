use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::measure::{Figures, Measure, Pace, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// Of two sessions one is lent and the other takes 5 s to open. The lent one comes
/// back after 20 ms: when is the request served that the opening was begun for?
pub(crate) struct SlowOpen;

const SIZE: usize = 2;
const OPENING: Duration = Duration::from_secs(5);
const HOLD: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(8);

impl Measure for SlowOpen {
    const TESTS: &'static [Test] = &[Test::compared("slow_open_ms", "ms")];
    const PACE: Pace = Pace::LongTimers;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        vec![flavor.run(LIMIT, milliseconds::<P>())]
    }
}

async fn milliseconds<P: Peer>() -> f64 {
    let remote = Remote::new();
    let pool = P::build(remote.clone(), SIZE);
    let first = pool.acquire().await.expect("a session that opens at once");
    remote.set_delay(OPENING);
    let began = Instant::now();
    let second = tokio::spawn(served(pool.clone(), began));
    sleep(HOLD).await;
    drop(first);
    second.await.expect("the request does not panic")
}

async fn served<P: Peer>(pool: P, began: Instant) -> f64 {
    drop(pool.acquire().await.expect("a session within the time-out"));
    began.elapsed().as_secs_f64() * 1e3
}
