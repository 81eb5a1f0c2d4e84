//! What a client is told when things go wrong.

mod answer;
mod kind;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
mod verdict;

use std::any::type_name;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::http::StatusCode;
use sessionpool_core::{Cause, Session, call};

pub use kind::ProblemKind;

/// An error as a client may see it: problem details for HTTP APIs (RFC 9457), as
/// `application/problem+json`.
///
/// ```text
/// HTTP/1.1 503 Service Unavailable
/// content-type: application/problem+json
/// retry-after: 3
///
/// {"type":"urn:sessionpool:overloaded","title":"all sessions are in use","status":503}
/// ```
///
/// The errors of a pool become one by `?`, told apart by who has to do something about
/// them ([`ProblemKind`]). What led to it is the [`source`](StdError::source) and goes to
/// the log when the problem is sent; the body has fixed words alone, and those that the
/// application gave to [`new`](Self::new) and [`detail`](Self::detail): no SQL, no
/// address, no secret.
///
/// A handler answers `Result<_, Problem>`, or an error type of its own that has one
/// inside.
///
/// | logged at | what |
/// |---|---|
/// | `ERROR` | answers from 500 on, with their cause |
/// | `WARN` | conflicts between units |
/// | `DEBUG` | the others; and 503, which the pool's own events tell of once in a while and not for each request |
#[must_use = "a problem that is not answered is not told"]
pub struct Problem(Box<Inner>);

struct Inner {
    kind: ProblemKind,
    status: StatusCode,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

impl Problem {
    /// A problem of the application's: what the client did wrong, or asked for in vain.
    /// The title is the same for every occurrence, and goes into the body.
    pub fn new(status: StatusCode, title: impl Into<Cow<'static, str>>) -> Self {
        Self::build(ProblemKind::Application, status, title.into())
    }

    /// Adds what is particular about this occurrence; it goes into the body.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says when to come again, in whole seconds and at least one.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds what led to it, for the log alone.
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// What an error of a session means to a client: a conflict is 409, a lost backend
    /// 502; most others are ours, 500.
    ///
    /// With the features named after the databases, `sqlx::Error` becomes a problem by `?`.
    pub fn of<S: Session>(error: S::Error) -> Self {
        Self::of_fault(call::classify::<S>(&error), Arc::new(error))
    }

    /// A fault of this program, for its log.
    pub(crate) fn internal(log: impl Into<BoxError>) -> Self {
        Self::of_kind(ProblemKind::Internal).because(log)
    }

    /// Something the request did may have taken effect, or may yet.
    pub(crate) fn unknown(log: impl Into<BoxError>) -> Self {
        Self::of_kind(ProblemKind::OutcomeUnknown).because(log)
    }

    pub(crate) fn missing<S>(layer: &str) -> Self {
        let session = type_name::<S>();
        Self::internal(format!(
            "this route has no {layer}<{session}>: add `.layer({layer}::new(pool))` to its \
             Router, after its `.route(…)`"
        ))
    }

    fn of_kind(kind: ProblemKind) -> Self {
        Self::build(kind, kind.status(), kind.title().into())
    }

    fn build(kind: ProblemKind, status: StatusCode, title: Cow<'static, str>) -> Self {
        Self(Box::new(Inner { kind, status, title, detail: None, retry_after: None, cause: None }))
    }

    /// Who has to do something about it.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// For logs: it has the causes.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, status, title, detail, retry_after, cause } = &*self.0;
        f.debug_struct("Problem")
            .field("kind", kind)
            .field("status", status)
            .field("title", title)
            .field("detail", detail)
            .field("retry_after", retry_after)
            .field("cause", cause)
            .finish()
    }
}

/// `503 Service Unavailable: all sessions are in use`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status, self.0.title)?;
        match &self.0.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as &(dyn StdError + 'static))
    }
}
