use std::fmt;
use std::time::Duration;

/// A session's own view of its state: [`Session::condition`](crate::Session::condition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a fifth state must stop every backend and the pool")]
pub enum Condition {
    /// Fit for the next borrower as it is; no round trip is needed.
    Clean,
    /// Between two statements, but with something of the borrower's on it: an
    /// open transaction, a changed setting.
    Dirty,
    /// In the middle of a conversation: a request's future or stream was dropped
    /// before its end.
    Busy,
    /// Not fit for anybody; only ending it is left.
    Broken(Fault),
}

/// What an error means for those who have to decide: the session, the pool, the
/// caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The remote end has no capacity for one more session just now.
    Busy {
        /// When to ask again, where the remote end says so.
        retry_after: Option<Duration>,
    },
    /// Might work next time, and nothing was changed: a refused connection, a
    /// time-out before the login.
    Transient,
    /// The remote end refuses us as we are: credentials, configuration. Trying
    /// again changes nothing and may lock the account.
    Rejected,
    /// This session is gone.
    SessionLost,
    /// The remote end went away; every session opened before now is suspect.
    BackendLost,
    /// The unit of work lost against another one (a deadlock, a serialization
    /// failure) and may be run again from its beginning.
    Conflict,
    /// Whether the work took effect cannot be known.
    OutcomeUnknown,
    /// Anything else: the statement failed, the session goes on.
    Other,
}

impl Fault {
    /// All there are.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 8] = [
        Self::Busy { retry_after: None },
        Self::Transient,
        Self::Rejected,
        Self::SessionLost,
        Self::BackendLost,
        Self::Conflict,
        Self::OutcomeUnknown,
        Self::Other,
    ];

    /// Its name in one word, for metrics and machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Transient => "transient",
            Self::Rejected => "rejected",
            Self::SessionLost => "session_lost",
            Self::BackendLost => "backend_lost",
            Self::Conflict => "conflict",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Other => "other",
        }
    }

    /// True if opening a session again, a little later, may succeed.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Busy { .. } | Self::Transient | Self::SessionLost | Self::BackendLost => true,
            Self::Rejected | Self::Conflict | Self::OutcomeUnknown | Self::Other => false,
        }
    }

    /// True if the session that met this fault must not be lent again.
    #[must_use]
    pub const fn ends_session(self) -> bool {
        matches!(self, Self::SessionLost | Self::BackendLost)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy { .. } => "remote capacity used up",
            Self::Transient => "transient failure",
            Self::Rejected => "rejected by the remote end",
            Self::SessionLost => "session lost",
            Self::BackendLost => "backend lost",
            Self::Conflict => "conflict with another unit of work",
            Self::OutcomeUnknown => "outcome unknown",
            Self::Other => "unclassified failure",
        })
    }
}
