//! The few primitives the pool's books stand on, swapped for loom's or shuttle's when
//! the models run (`RUSTFLAGS="--cfg sessionpool_loom"`, or `sessionpool_shuttle`).

// Neither's: the count decides nothing here, and only std's can be a receiver.
pub(crate) use std::sync::Arc;

#[cfg(not(any(sessionpool_loom, sessionpool_shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(sessionpool_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

#[cfg(sessionpool_shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

/// What the models' stage stands on, besides.
#[cfg(all(test, sessionpool_loom))]
pub(crate) mod stage {
    pub(crate) use loom::future::block_on;
    pub(crate) use loom::sync::atomic::AtomicUsize;
    pub(crate) use loom::thread::JoinHandle;

    /// The remote end answers at once: that others run meanwhile is what threads are for.
    pub(crate) async fn dawdle() {}
}

/// What the models' stage stands on, besides.
#[cfg(all(test, sessionpool_shuttle))]
pub(crate) mod stage {
    pub(crate) use shuttle::future::block_on;
    use shuttle::future::yield_now;
    use shuttle::rand::{Rng, thread_rng};
    pub(crate) use shuttle::sync::atomic::AtomicUsize;
    pub(crate) use shuttle::thread::JoinHandle;

    /// The remote end takes its time.
    pub(crate) async fn dawdle() {
        for _ in 0..thread_rng().gen_range(0..3) {
            yield_now().await;
        }
    }
}
