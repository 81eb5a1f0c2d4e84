use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use sessionpool_core::{Chain, Transactional, TxError, Unit};
use tracing::{error, warn};

use crate::config::RulePanicked;
use crate::heard_out::HeardOut;
use crate::slot::{Left, Owner, Stray};
use crate::{Problem, kept};

/// What becomes of a request's unit: what a [`rule`](crate::UnitLayer::rule) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a unit has these two endings and no third")]
pub enum Ending {
    /// What was done is made permanent.
    Commit,
    /// Nothing of it will be visible.
    RollBack,
}

impl Ending {
    /// The default rule: commit below 400, roll back from there on.
    ///
    /// Redirections commit: the answer to a form that was accepted is one.
    #[must_use]
    pub fn by_status(response: &Parts) -> Self {
        match response.status.as_u16() {
            ..400 => Self::Commit,
            _ => Self::RollBack,
        }
    }
}

impl<S: Transactional> Owner<S> {
    /// Ends the unit as the response demands; answers with what is to be sent.
    pub(crate) async fn end(self, asked: Asked, response: Response) -> Response {
        match self.slot().leave() {
            Left::Kept => self.end_kept(asked, response).await,
            left => self.end_now(left, response).await,
        }
    }

    async fn end_now(&self, left: Left<S>, response: Response) -> Response {
        match left {
            Left::Nothing | Left::Kept => response,
            Left::Stray(stray, unit) => outlived(&stray, unit).await,
            Left::Unit(unit) => self.end_unit(unit, response).await,
        }
    }

    async fn end_kept(self, asked: Asked, response: Response) -> Response {
        let (parts, mut body) = response.into_parts();
        if asked.is_head || has_no_body(parts.status) {
            body = Body::empty(); // drops the one that nobody would read, and what it has
        }
        if body.is_end_stream() {
            let left = self.slot().leave_body();
            return self.end_now(left, Response::from_parts(parts, body)).await;
        }
        let ending = match self.slot().config().ending(&parts) {
            Ok(ending) => ending,
            Err(RulePanicked) => {
                drop(body);
                return self.gone_wrong("the rule panicked").await;
            }
        };
        if asked.is_old && ending == Ending::Commit {
            drop(body);
            self.roll_back().await;
            return Problem::new(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "this answer can only be sent over HTTP/1.1",
            )
            .into_response();
        }
        kept::carry(self, ending, parts, body)
    }

    async fn end_unit(&self, unit: Unit<S>, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let ended = match self.slot().config().ending(&parts) {
            Ok(Ending::Commit) => self.commit(unit).await,
            Ok(Ending::RollBack) => undo(unit).await,
            Err(RulePanicked) => return undone(unit, "the rule panicked", "").await,
        };
        match ended {
            Ok(()) => Response::from_parts(parts, body),
            Err(error) => Problem::from(error).into_response(),
        }
    }

    async fn commit(&self, mut unit: Unit<S>) -> Result<(), TxError> {
        let commit = async move { unit.commit().await };
        HeardOut::new(self.slot().background(), commit).await
    }

    /// Ends the unit of a request that has no response.
    pub(crate) async fn roll_back(self) {
        match self.slot().leave_body() {
            Left::Unit(unit) | Left::Stray(_, Some(unit)) => roll_back(unit).await,
            Left::Nothing | Left::Kept | Left::Stray(_, None) => {}
        }
    }

    /// What to answer after the handler panicked.
    pub(crate) async fn panicked(self) -> Response {
        self.gone_wrong("the handler panicked").await
    }

    /// Ends the unit of a request that something went wrong with, and says so.
    async fn gone_wrong(self, wrong: &str) -> Response {
        match self.slot().leave_body() {
            Left::Unit(unit) | Left::Stray(_, Some(unit)) => undone(unit, wrong, "").await,
            Left::Stray(stray, None) => {
                Problem::unknown(format!("{wrong}; {stray}, is in use. {INSTEAD}")).into_response()
            }
            Left::Nothing | Left::Kept => Problem::internal(wrong).into_response(),
        }
    }
}

/// Rolls back a unit, where another error is answered already.
pub(crate) async fn roll_back<S: Transactional>(unit: Unit<S>) {
    if let Err(error) = undo(unit).await {
        error!(error = %Chain(&error), "whether the request's work was committed is unknown");
    }
}

/// Rolls back a unit because of what went wrong, and answers whether that is certain.
async fn undone<S: Transactional>(unit: Unit<S>, wrong: &str, advice: &str) -> Response {
    let problem = match undo(unit).await {
        Ok(()) => Problem::internal(format!("{wrong}; its unit was rolled back{advice}")),
        Err(error) => Problem::unknown(format!("{wrong}; {}{advice}", Chain(&error))),
    };
    problem.into_response()
}

/// An error means that it may have been committed all the same, by a statement of the
/// application's own. Boxed: it happens seldom, and every request would carry its size.
async fn undo<S: Transactional>(mut unit: Unit<S>) -> Result<(), TxError> {
    if !unit.has_begun() {
        return Ok(());
    }
    let rollback = Box::pin(async move { unit.rollback().await });
    match rollback.await {
        Err(error) if error.is_outcome_unknown() => Err(error),
        Err(error) => {
            warn!(error = %Chain(&error), "the request's unit was not rolled back");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// What of a request says how its answer may be sent.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    is_head: bool,
    /// HTTP/1.0 cannot tell a body that broke off from one that is over.
    is_old: bool,
}

impl Asked {
    pub(crate) fn by<B>(request: &Request<B>) -> Self {
        let is_old = matches!(request.version(), Version::HTTP_09 | Version::HTTP_10);
        Self { is_head: request.method() == Method::HEAD, is_old }
    }
}

/// Those that are sent without one, whatever the handler made.
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// What whoever lets his unit outlive its handler should do.
const INSTEAD: &str = "Give a task a unit of its own (Work::after_commit, Pool::unit), and ask \
                       for a body's with Work::keep_for_body";

async fn outlived<S: Transactional>(stray: &Stray, unit: Option<Unit<S>>) -> Response {
    let Some(unit) = unit else {
        let log = format!("{stray}, is in use after its handler answered. {INSTEAD}");
        return Problem::unknown(log).into_response();
    };
    undone(unit, &format!("{stray}, outlived its handler"), &format!(". {INSTEAD}")).await
}
