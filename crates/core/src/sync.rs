//! The few primitives the pool's books stand on, swapped for loom's when the
//! models run (`RUSTFLAGS="--cfg sessionpool_loom"`).

// Not loom's: the count decides nothing here, and only std's can be a receiver.
pub(crate) use std::sync::Arc;

#[cfg(not(sessionpool_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(sessionpool_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
