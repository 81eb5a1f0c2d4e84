use std::pin::Pin;
use std::task::{Context, Waker};

use allocation_counter::measure;

use crate::measure::{Figures, Measure, Test};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::runtime::Flavor;

/// What 1,000 queued waiters take: their futures and what the pool keeps of them.
pub(crate) struct Waiters;

const WAITERS: usize = 1_000;

impl Measure for Waiters {
    const TESTS: &'static [Test] =
        &[Test::counted("waiter_bytes", "bytes"), Test::counted("waiter_future_bytes", "bytes")];
    const FLAVORS: &'static [Flavor] = Flavor::ONE_THREAD;

    fn run<P: Peer>(&self, flavor: Flavor) -> Figures {
        let runtime = flavor.build();
        let _inside = runtime.enter();
        let pool = P::build(Remote::new(), 1);
        let held = runtime.block_on(pool.acquire()).expect("a session that opens at once");
        let mut waiters = Vec::with_capacity(WAITERS);
        let counted = measure(|| {
            waiters.extend((0..WAITERS).map(|_| queued(Box::pin(pool.acquire()))));
        });
        let future = size_of_val(&*waiters[0]);
        drop(waiters);
        drop(held);
        vec![Some(counted.bytes_current as f64 / WAITERS as f64), Some(future as f64)]
    }
}

/// Polls it once, outside any task: no cooperative budget comes in between.
fn queued<F: Future>(mut waiter: Pin<Box<F>>) -> Pin<Box<F>> {
    let served = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(!served, "the only session is lent");
    waiter
}
