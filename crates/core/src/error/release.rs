use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::{Cause, source};
use crate::Fault;

/// Why [`Lease::release`](crate::Lease::release) could not make the session fit
/// for the next borrower. The session is ended; nothing is left to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The session said so, or the remote end.
    #[non_exhaustive]
    Failed {
        /// What it said.
        cause: Cause,
    },
    /// It was broken already.
    #[non_exhaustive]
    Broken {
        /// What had broken it.
        fault: Fault,
    },
    /// It took longer than `release_timeout`.
    #[non_exhaustive]
    TimedOut {
        /// The `release_timeout`.
        limit: Duration,
    },
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { .. } => f.write_str("the session could not be cleaned and was ended"),
            Self::Broken { fault } => write!(f, "the session was broken and was ended: {fault}"),
            Self::TimedOut { limit } => {
                write!(f, "the session was not cleaned within {limit:?} and was ended")
            }
        }
    }
}

impl StdError for ReleaseError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed { cause } => Some(source(cause)),
            Self::Broken { .. } | Self::TimedOut { .. } => None,
        }
    }
}
