use axum::http::StatusCode;

/// Who has to do something about a [`Problem`](super::Problem): each is a `type` of its
/// own in the body, which clients may go by.
///
/// Each speaks of one unit. Whether the *request* may be sent again is for the application
/// to say: one that commits twice on its way may have done the first half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The application's own; `about:blank`.
    Application,
    /// The pool, or the remote end, has no session to spare just now: 503, with
    /// `Retry-After`.
    Overloaded,
    /// The pool is paused or closed: 503, with `Retry-After`.
    Unavailable,
    /// The remote end cannot be reached, or was lost: 502. A unit under way took no effect;
    /// what was written by a [`Borrowed`](crate::Borrowed) session may have.
    BackendLost,
    /// The remote end does not answer in time: 504.
    BackendSlow,
    /// The unit lost against another one, and nothing of it took effect: 409. Done
    /// again, it may succeed. Not 503, which would call for another server, and raise an
    /// alarm about load.
    Conflict,
    /// The commit became a rollback, and nothing of the unit took effect: 500.
    RolledBack,
    /// Nobody can tell whether it took effect: 500, and not 502 or 504, which clients and
    /// proxies send again by themselves. Look before doing it again.
    OutcomeUnknown,
    /// A fault of this program, or of its configuration: 500.
    Internal,
}

impl ProblemKind {
    /// The `type` in the body.
    #[must_use]
    pub const fn urn(self) -> &'static str {
        match self {
            Self::Application => "about:blank",
            Self::Overloaded => "urn:sessionpool:overloaded",
            Self::Unavailable => "urn:sessionpool:unavailable",
            Self::BackendLost => "urn:sessionpool:backend-lost",
            Self::BackendSlow => "urn:sessionpool:backend-slow",
            Self::Conflict => "urn:sessionpool:conflict",
            Self::RolledBack => "urn:sessionpool:rolled-back",
            Self::OutcomeUnknown => "urn:sessionpool:outcome-unknown",
            Self::Internal => "urn:sessionpool:internal",
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Overloaded | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::BackendLost => StatusCode::BAD_GATEWAY,
            Self::BackendSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::RolledBack | Self::OutcomeUnknown | Self::Internal | Self::Application => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Application => "",
            Self::Overloaded => "all sessions are in use",
            Self::Unavailable => "the service is paused",
            Self::BackendLost => "a service behind this one cannot be reached",
            Self::BackendSlow => "a service behind this one did not answer in time",
            Self::Conflict => "it lost against another request",
            Self::RolledBack => "it could not be completed",
            Self::OutcomeUnknown => "whether it was done is unknown",
            Self::Internal => "internal error",
        }
    }
}
