//! One session's opening, cleaning or closing, in a task of its own.

use std::sync::Arc as StdArc;

use tokio::time::Instant;

use super::ledger::{Errand, Work};
use super::outage::Failure;
use super::places::PlaceId;
use super::shared::Shared;
use crate::call::{self, CallFailure};
use crate::error::{CallError, Cause};
use crate::sync::Arc;
use crate::{Condition, Fault, Session};

/// Runs an errand to its end, and answers for its place and session meanwhile:
/// dropped half way, its runtime is gone, so the session is ended at once and the
/// place freed.
#[derive(Debug)]
pub(crate) struct Runner<S: Session> {
    shared: Arc<Shared<S>>,
    place: PlaceId,
    duty: Duty<S>,
}

/// What there is to answer for.
#[derive(Debug)]
enum Duty<S> {
    /// A place, with a session still on its way.
    Open,
    Check {
        session: S,
        since: Instant,
        alive: Instant,
    },
    Clean(S),
    Close(S),
    /// A place whose session is being closed; `close` has the session.
    Closing,
    Done,
}

impl<S: Session> Runner<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>, errand: Errand<S>) -> Self {
        let duty = match errand.work {
            Work::Open => Duty::Open,
            Work::Check { session, since, alive } => Duty::Check { session, since, alive },
            Work::Clean(session) => Duty::Clean(session),
            Work::Close(session) => Duty::Close(session),
        };
        Self { shared, place: errand.place, duty }
    }

    pub(crate) async fn run(mut self) {
        match self.duty {
            Duty::Open => self.open().await,
            Duty::Check { .. } => self.check().await,
            Duty::Clean(_) => self.clean().await,
            Duty::Close(_) => self.close().await,
            Duty::Closing | Duty::Done => {}
        }
    }

    async fn open(&mut self) {
        let limit = self.shared.settings.connect_timeout;
        match call::try_bounded("opening a session", limit, self.shared.opener.open_session()).await
        {
            Ok(session) => self.opened(session).await,
            Err(failure) => {
                let failure = describe::<S>(failure);
                self.duty = Duty::Done;
                self.shared.open_failed(self.place, &failure);
            }
        }
    }

    async fn opened(&mut self, session: S) {
        match call::condition(&session) {
            Condition::Clean => {
                self.duty = Duty::Done;
                self.shared.opened(self.place, session);
            }
            condition => self.refuse_unclean(session, condition).await,
        }
    }

    /// The backend opened what must not be lent: a failed opening, whose session
    /// is ended before its place is free again.
    async fn refuse_unclean(&mut self, session: S, condition: Condition) {
        let limit = self.shared.settings.close_timeout;
        let _ = call::close(session, limit).await;
        self.duty = Duty::Done;
        let cause: Cause = StdArc::new(CallError::OpenedUnclean { condition });
        let failure = Failure { fault: Fault::Other, cause, at: Instant::now() };
        self.shared.open_failed(self.place, &failure);
    }

    async fn check(&mut self) {
        let Duty::Check { session, .. } = &mut self.duty else { return };
        let limit = self.shared.settings.check_timeout;
        let work = self.shared.opener.check_session(session);
        let answer = call::try_bounded("checking a session", limit, work).await;
        let condition = call::condition(session);
        let Duty::Check { session, since, alive } = std::mem::replace(&mut self.duty, Duty::Done)
        else {
            return;
        };
        match answer {
            Ok(()) if condition == Condition::Clean => {
                self.shared.checked(self.place, session, since);
            }
            answer => {
                self.duty = Duty::Close(session);
                let fault = fault_of_check::<S>(answer.err(), condition);
                self.shared.check_failed(self.place, fault, alive);
                self.close().await;
            }
        }
    }

    async fn clean(&mut self) {
        let Duty::Clean(session) = &mut self.duty else { return };
        let limit = self.shared.settings.release_timeout;
        let fit = call::clean(session, limit).await.is_ok();
        let Duty::Clean(session) = std::mem::replace(&mut self.duty, Duty::Done) else { return };
        if fit {
            self.shared.cleaned(self.place, session);
        } else {
            let condition = call::condition(&session);
            self.duty = Duty::Close(session);
            self.shared.could_not_clean(self.place, condition);
            self.close().await;
        }
    }

    async fn close(&mut self) {
        let Duty::Close(session) = std::mem::replace(&mut self.duty, Duty::Closing) else { return };
        let limit = self.shared.settings.close_timeout;
        let answer = call::close(session, limit).await;
        self.duty = Duty::Done;
        self.shared.gone(self.place, answer.is_ok());
    }
}

impl<S: Session> Drop for Runner<S> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.duty, Duty::Done) {
            Duty::Open => {
                let cause: Cause = StdArc::new(CallError::Abandoned { call: "opening a session" });
                let failure = Failure { fault: Fault::Other, cause, at: Instant::now() };
                self.shared.open_abandoned(self.place, &failure);
            }
            Duty::Check { session, .. } | Duty::Clean(session) | Duty::Close(session) => {
                call::abort(session);
                self.shared.gone(self.place, false);
            }
            Duty::Closing => self.shared.gone(self.place, false),
            Duty::Done => {}
        }
    }
}

/// Why a session is not fit to be lent; one that did not answer at all is lost.
fn fault_of_check<S: Session>(
    failure: Option<CallFailure<S::Error>>,
    condition: Condition,
) -> Fault {
    match (condition, failure) {
        (Condition::Broken(fault), _) => fault,
        (_, Some(CallFailure::Answered(error))) => call::classify::<S>(&error),
        (_, Some(CallFailure::Silent(CallError::TimedOut { .. }))) => Fault::SessionLost,
        (_, Some(CallFailure::Silent(_)) | None) => Fault::Other,
    }
}

/// What kind of failure an opening met.
fn describe<S: Session>(failure: CallFailure<S::Error>) -> Failure {
    let fault = match &failure {
        CallFailure::Answered(error) => call::classify::<S>(error),
        CallFailure::Silent(CallError::TimedOut { .. }) => Fault::Transient,
        CallFailure::Silent(_) => Fault::Other,
    };
    Failure { fault, cause: failure.into_cause(), at: Instant::now() }
}
