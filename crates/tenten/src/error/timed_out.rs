use std::fmt;
use std::time::Duration;

/// A request that took too long, and at what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// The transaction.
    pub api: &'static str,
    /// What took too long.
    pub phase: Phase,
    /// What it was allowed.
    pub limit: Duration,
}

/// The parts of a request that have limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Until a connection stands.
    Connecting,
    /// From there to the answer's head.
    FirstByte,
    /// From one piece of the answer to the next.
    Reading,
    /// All of it.
    Total,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, phase, limit } = self;
        match phase {
            Phase::Connecting => {
                write!(f, "no connection to the gateway for {api} within {limit:?}")
            }
            Phase::FirstByte => write!(f, "gateway did not begin to answer {api} within {limit:?}"),
            Phase::Reading => write!(f, "answer to {api} stood still for {limit:?}"),
            Phase::Total => write!(f, "{api} was not answered within {limit:?}"),
        }
    }
}

impl std::error::Error for TimedOut {}
