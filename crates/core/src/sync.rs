//! The few primitives the pool's books stand on, swapped for loom's when the
//! models run (`RUSTFLAGS="--cfg sessionpool_loom"`).

#[cfg(not(sessionpool_loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

#[cfg(sessionpool_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
