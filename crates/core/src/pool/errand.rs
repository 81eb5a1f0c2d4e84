//! One session's opening, cleaning or closing, in a task of its own.

use std::sync::Arc as StdArc;
use std::time::Duration;

use tokio::time::Instant;

use super::ledger::{Errand, Work};
use super::outage::Failure;
use super::parcel::Parcel;
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
    /// A session that has been opened and may not be lent yet.
    SetUp(Parcel<S>),
    Check {
        parcel: Parcel<S>,
        since: Instant,
        alive: Instant,
    },
    Clean(Parcel<S>),
    Close(Parcel<S>),
    /// A place whose session is being closed; `close` has the session.
    Closing,
    Done,
}

impl<S: Session> Runner<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>, errand: Errand<Parcel<S>>) -> Self {
        let duty = match errand.work {
            Work::Open => Duty::Open,
            Work::Check { session: parcel, since, alive } => Duty::Check { parcel, since, alive },
            Work::Clean(parcel) => Duty::Clean(parcel),
            Work::Close(parcel) => Duty::Close(parcel),
        };
        Self { shared, place: errand.place, duty }
    }

    pub(crate) async fn run(mut self) {
        match self.duty {
            Duty::Open => self.open().await,
            Duty::Check { .. } => self.check().await,
            Duty::Clean(_) => self.clean().await,
            Duty::Close(_) => self.close().await,
            Duty::SetUp(_) | Duty::Closing | Duty::Done => {}
        }
    }

    async fn open(&mut self) {
        let (began, limit) = (Instant::now(), self.shared.settings.connect_timeout);
        let opening = self.shared.opener.open_session();
        match call::try_bounded("opening a session", limit, opening).await {
            Ok(session) => {
                self.duty = Duty::SetUp(Parcel::new(session));
                self.set_up(limit.saturating_sub(began.elapsed())).await;
            }
            Err(failure) => {
                self.duty = Duty::Done;
                self.shared.open_failed(self.place, &describe::<S>(failure));
            }
        }
    }

    /// Hands over a session that was opened, once it may be lent. Otherwise the opening
    /// has failed, and the session is ended before its place is free again.
    async fn set_up(&mut self, limit: Duration) {
        let Duty::SetUp(parcel) = &mut self.duty else { return };
        let answer = after_open(&self.shared, &mut parcel.session, limit).await;
        let parcel = match std::mem::replace(&mut self.duty, Duty::Open) {
            Duty::SetUp(parcel) => parcel,
            other => return self.duty = other,
        };
        match answer {
            Ok(()) => {
                self.duty = Duty::Done;
                self.shared.opened(self.place, parcel);
            }
            Err(failure) => {
                let _ = call::close(parcel.session, self.shared.settings.close_timeout).await;
                self.duty = Duty::Done;
                self.shared.open_failed(self.place, &Failure { at: Instant::now(), ..failure });
            }
        }
    }

    async fn check(&mut self) {
        let Duty::Check { parcel: Parcel { session, .. }, .. } = &mut self.duty else { return };
        let limit = self.shared.settings.check_timeout;
        let work = self.shared.opener.check_session(session);
        let answer = call::try_bounded("checking a session", limit, work).await;
        let condition = call::condition(session);
        let Duty::Check { parcel, since, alive } = std::mem::replace(&mut self.duty, Duty::Done)
        else {
            return;
        };
        match answer {
            Ok(()) if condition == Condition::Clean => {
                self.shared.checked(self.place, parcel, since);
            }
            answer => {
                self.duty = Duty::Close(parcel);
                let fault = fault_of_check::<S>(answer.err(), condition);
                self.shared.check_failed(self.place, fault, alive);
                self.end().await;
            }
        }
    }

    async fn clean(&mut self) {
        let Duty::Clean(parcel) = &mut self.duty else { return };
        let limit = self.shared.settings.release_timeout;
        let fit = call::clean(&mut parcel.session, limit).await.is_ok();
        let Duty::Clean(parcel) = std::mem::replace(&mut self.duty, Duty::Done) else { return };
        if fit {
            self.shared.cleaned(self.place, parcel);
        } else {
            let condition = call::condition(&parcel.session);
            self.duty = Duty::Close(parcel);
            self.shared.could_not_clean(self.place, condition);
            self.close().await;
        }
    }

    async fn close(&mut self) {
        self.before_close().await;
        self.end().await;
    }

    async fn end(&mut self) {
        let Duty::Close(parcel) = std::mem::replace(&mut self.duty, Duty::Closing) else { return };
        let limit = self.shared.settings.close_timeout;
        let answer = call::close(parcel.session, limit).await;
        self.duty = Duty::Done;
        self.shared.gone(self.place, answer.is_ok());
    }
}

impl<S: Session> Runner<S> {
    fn abandon_opening(&self) {
        let cause: Cause = StdArc::new(CallError::Abandoned { call: "opening a session" });
        let failure = Failure { fault: Fault::Other, cause, at: Instant::now() };
        self.shared.open_abandoned(self.place, &failure);
    }

    async fn before_close(&mut self) {
        let Duty::Close(Parcel { session, .. }) = &mut self.duty else { return };
        let Some(hook) = &self.shared.hooks.before_close else { return };
        if call::condition(session) != Condition::Clean {
            return;
        }
        let limit = self.shared.settings.close_timeout;
        let work = async { hook(session).await };
        if let Err(failure) = call::try_bounded("before_close", limit, work).await {
            self.shared.tell_hook_failed(self.place, "before_close", failure.into_cause());
        }
    }
}

/// Makes sure that a session just opened may be lent.
async fn after_open<S: Session>(
    shared: &Shared<S>,
    session: &mut S,
    limit: Duration,
) -> Result<(), Failure> {
    const HOOK: &str = "after_open";
    if let Condition::Clean = call::condition(session) {
        let Some(hook) = &shared.hooks.after_open else { return Ok(()) };
        let work = async { hook(session).await };
        call::try_bounded(HOOK, limit, work).await.map_err(|failure| {
            let Failure { fault, cause, at } = describe::<S>(failure);
            Failure { fault, cause: StdArc::new(CallError::HookFailed { hook: HOOK, cause }), at }
        })?;
        if let Condition::Dirty | Condition::Busy = call::condition(session) {
            call::clean(session, shared.settings.release_timeout).await.map_err(describe::<S>)?;
        }
    }
    match call::condition(session) {
        Condition::Clean => Ok(()),
        condition => {
            Err(describe::<S>(CallFailure::Silent(CallError::OpenedUnclean { condition })))
        }
    }
}

impl<S: Session> Drop for Runner<S> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.duty, Duty::Done) {
            Duty::SetUp(parcel) => {
                parcel.abort();
                self.abandon_opening();
            }
            Duty::Open => self.abandon_opening(),
            Duty::Check { parcel, .. } | Duty::Clean(parcel) | Duty::Close(parcel) => {
                parcel.abort();
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
