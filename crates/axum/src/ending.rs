use axum::http::response::Parts;
use axum::response::{IntoResponse, Response};
use sessionpool_core::{Chain, Transactional, Unit};
use tracing::{error, warn};

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
    pub(crate) async fn end(self, response: Response) -> Response {
        match self.slot().leave() {
            Left::Nothing => response,
            Left::Stray(stray, unit) => outlived(&stray, unit).await,
            Left::Unit(unit) => self.end_unit(unit, response).await,
            Left::Kept => {
                let (parts, body) = response.into_parts();
                let ending = (self.slot().config().rule)(&parts);
                kept::carry(self, ending, parts, body)
            }
        }
    }

    async fn end_unit(&self, unit: Unit<S>, response: Response) -> Response {
        let config = self.slot().config();
        let (parts, body) = response.into_parts();
        match (config.rule)(&parts) {
            Ending::Commit => {
                let mut unit = unit;
                let commit = async move { unit.commit().await };
                match HeardOut::new(&config.background, commit).await {
                    Ok(()) => Response::from_parts(parts, body),
                    Err(error) => Problem::from(error).into_response(),
                }
            }
            Ending::RollBack => {
                roll_back(unit).await;
                Response::from_parts(parts, body)
            }
        }
    }

    /// Ends the unit of a request that has no response.
    pub(crate) async fn roll_back(self) {
        match self.slot().leave_body() {
            Left::Unit(unit) | Left::Stray(_, Some(unit)) => roll_back(unit).await,
            Left::Nothing | Left::Kept | Left::Stray(_, None) => {}
        }
    }

    /// [`roll_back`](Self::roll_back) after the handler panicked, and what to answer.
    pub(crate) async fn panicked(self) -> Response {
        self.roll_back().await;
        Problem::internal("the handler panicked, and its unit was rolled back").into_response()
    }
}

/// Boxed: it happens seldom, and every request would carry its size.
pub(crate) async fn roll_back<S: Transactional>(mut unit: Unit<S>) {
    if !unit.has_begun() {
        return;
    }
    let rollback = Box::pin(async move { unit.rollback().await });
    match rollback.await {
        Ok(()) => {}
        Err(error) if error.is_outcome_unknown() => {
            error!(error = %Chain(&error), "whether the request's work was committed is unknown");
        }
        Err(error) => warn!(error = %Chain(&error), "the request's unit was not rolled back"),
    }
}

async fn outlived<S: Transactional>(stray: &Stray, unit: Option<Unit<S>>) -> Response {
    if let Some(unit) = unit {
        roll_back(unit).await;
    }
    Problem::internal(format!(
        "{stray}, outlived its handler; its unit was rolled back. Give a task a unit of its own \
         (Work::after_commit, Pool::unit), and ask for a body's with Work::keep_for_body"
    ))
    .into_response()
}
