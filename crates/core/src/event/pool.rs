//! What concerns the whole pool.

use std::time::Duration;

/// Sessions could lie idle in the pool until the remote end ends them, and its settings were
/// changed for that: told when a session was opened that says so, and again when one allows
/// less than the pool goes by since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outlived {
    /// How long the remote end lets a session lie idle.
    pub limit: Duration,
    /// What [`idle_timeout`](crate::PoolBuilder::idle_timeout) is now; `None` if it was short
    /// enough, and is as it was set.
    pub idle_timeout: Option<Duration>,
    /// What [`keepalive_interval`](crate::PoolBuilder::keepalive_interval) is now; `None` if
    /// it is as it was set, as no session stays: `min_idle` is zero.
    pub keepalive_interval: Option<Duration>,
}

/// Every session opened before became suspect: idle ones are ended, others when they
/// come back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Flushed {
    /// The new generation.
    pub generation: u64,
}
