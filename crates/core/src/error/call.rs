use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::{Cause, source};

/// Something the pool itself found, as the cause of one of its errors.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// A call to the backend took longer than its limit.
    #[non_exhaustive]
    TimedOut {
        /// Which call.
        call: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// A session answered that it was cleaned, and was not.
    #[non_exhaustive]
    LeftUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A session does not know what became of its transaction.
    #[non_exhaustive]
    Undecided {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A call to the backend panicked.
    #[non_exhaustive]
    Panicked {
        /// Which call.
        call: &'static str,
        /// What the panic said.
        message: String,
    },
    /// A call to the backend was broken off: its runtime went away.
    #[non_exhaustive]
    Abandoned {
        /// Which call.
        call: &'static str,
    },
    /// A session was opened, and the application's hook would not have it.
    #[non_exhaustive]
    HookFailed {
        /// Which hook.
        hook: &'static str,
        /// What it answered; that it panicked, or took too long.
        cause: Cause,
    },
    /// The backend broke its contract.
    #[non_exhaustive]
    OpenedUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { call, limit } => write!(f, "{call} took longer than {limit:?}"),
            Self::LeftUnclean { condition } => {
                write!(f, "the session is not clean after it was cleaned: {condition:?}")
            }
            Self::Undecided { condition } => {
                write!(f, "the session does not know what became of its transaction: {condition:?}")
            }
            Self::Panicked { call, message } => write!(f, "{call} panicked: {message}"),
            Self::Abandoned { call } => {
                write!(f, "{call} was broken off: its runtime went away")
            }
            Self::HookFailed { hook, cause } => write!(f, "the {hook} hook failed: {cause}"),
            Self::OpenedUnclean { condition } => {
                write!(f, "the backend opened a session that is not clean: {condition:?}")
            }
        }
    }
}

impl StdError for CallError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::HookFailed { cause, .. } => Some(source(cause)),
            Self::TimedOut { .. }
            | Self::LeftUnclean { .. }
            | Self::Undecided { .. }
            | Self::Panicked { .. }
            | Self::Abandoned { .. }
            | Self::OpenedUnclean { .. } => None,
        }
    }
}
