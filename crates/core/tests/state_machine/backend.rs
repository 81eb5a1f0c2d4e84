//! `Scripted`, with every call noted in the [`Trace`].

use std::future::Future;

use sessionpool_core::{Backend, Condition, Fault, Session};
use sessionpool_testkit::{Hold, Scripted, ScriptedError, ScriptedSession};

use crate::case::State;
use crate::trace::{Call, Event, Outcome, Trace, UnderWay};

#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) scripted: Scripted,
    pub(crate) trace: Trace,
}

#[derive(Debug)]
pub(crate) struct TracedSession {
    inner: ScriptedSession,
    trace: Trace,
}

impl TracedSession {
    pub(crate) fn id(&self) -> u64 {
        self.inner.id()
    }

    pub(crate) fn hold(&self) -> Hold {
        self.inner.hold()
    }

    /// Does to the session what a borrower might.
    pub(crate) fn leave_in(&mut self, state: State) {
        match state {
            State::Clean => {}
            State::Dirty => self.inner.set_dirty(),
            State::Broken => self.inner.lose(Fault::SessionLost),
            State::Lost => self.inner.lose(Fault::BackendLost),
        }
    }
}

impl Backend for Traced {
    type Session = TracedSession;

    async fn open(&self) -> Result<TracedSession, ScriptedError> {
        let opening = self.trace.next_opening();
        let call = UnderWay::begin(&self.trace, Call::Open(opening));
        let unclean = self.trace.opens_unclean();
        match self.scripted.open().await {
            Ok(mut inner) => {
                if unclean {
                    inner.set_dirty();
                }
                call.end_as(Event::Opened { opening, session: inner.id(), clean: !unclean });
                Ok(TracedSession { inner, trace: self.trace.clone() })
            }
            Err(error) => {
                call.end(Outcome::Badly(error.fault));
                Err(error)
            }
        }
    }

    async fn check(&self, session: &mut TracedSession) -> Result<(), ScriptedError> {
        let call = UnderWay::begin(&self.trace, Call::Check(session.id()));
        let answer = self.scripted.check(&mut session.inner).await;
        call.end(outcome(&answer));
        answer
    }
}

impl Session for TracedSession {
    type Error = ScriptedError;

    fn condition(&self) -> Condition {
        self.inner.condition()
    }

    fn classify(error: &ScriptedError) -> Fault {
        ScriptedSession::classify(error)
    }

    async fn release(this: &mut Self) -> Result<(), ScriptedError> {
        let call = UnderWay::begin(&this.trace, Call::Release(this.id()));
        let answer = ScriptedSession::release(&mut this.inner).await;
        call.end(outcome(&answer));
        answer
    }

    // Not an `async fn`: a future that was never polled must end the session too.
    fn close(this: Self) -> impl Future<Output = Result<(), ScriptedError>> + Send {
        let Self { inner, trace } = this;
        let id = inner.id();
        let closing = ScriptedSession::close(inner);
        async move {
            let call = UnderWay::begin(&trace, Call::Close(id));
            let answer = closing.await;
            call.end(outcome(&answer));
            answer
        }
    }

    fn abort(this: Self) {
        this.trace.note(Event::Aborted(this.id()));
        ScriptedSession::abort(this.inner);
    }
}

const fn outcome(answer: &Result<(), ScriptedError>) -> Outcome {
    match answer {
        Ok(()) => Outcome::Well,
        Err(error) => Outcome::Badly(error.fault),
    }
}
