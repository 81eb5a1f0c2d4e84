use std::time::Duration;

/// Something the pool itself found, as the cause of one of its errors.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A call to the backend took longer than its limit.
    #[error("{call} took longer than {limit:?}")]
    #[non_exhaustive]
    TimedOut {
        /// Which call.
        call: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// A session answered that it was cleaned, and was not.
    #[error("the session is not clean after it was cleaned: {condition:?}")]
    #[non_exhaustive]
    LeftUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A session does not know what became of its transaction.
    #[error("the session does not know what became of its transaction: {condition:?}")]
    #[non_exhaustive]
    Undecided {
        /// What the session said of itself.
        condition: crate::Condition,
    },
    /// A call to the backend panicked.
    #[error("{call} panicked: {message}")]
    #[non_exhaustive]
    Panicked {
        /// Which call.
        call: &'static str,
        /// What the panic said.
        message: String,
    },
    /// A call to the backend was broken off: its runtime went away.
    #[error("{call} was broken off: its runtime went away")]
    #[non_exhaustive]
    Abandoned {
        /// Which call.
        call: &'static str,
    },
    /// The backend broke its contract.
    #[error("the backend opened a session that is not clean: {condition:?}")]
    #[non_exhaustive]
    OpenedUnclean {
        /// What the session said of itself.
        condition: crate::Condition,
    },
}
