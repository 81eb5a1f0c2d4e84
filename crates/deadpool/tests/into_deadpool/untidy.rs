use super::*;

/// A backend that breaks the rules: its sessions say they were released, and stay dirty.
pub(crate) struct Untidy(pub(crate) Scripted);

pub(crate) struct UntidySession(pub(crate) sessionpool_testkit::ScriptedSession);

impl EndsByItself for Untidy {}

impl Backend for Untidy {
    type Session = UntidySession;

    async fn open(&self) -> Result<UntidySession, SessionError<Self>> {
        self.0.open().await.map(UntidySession)
    }

    async fn check(&self, session: &mut UntidySession) -> Result<(), SessionError<Self>> {
        self.0.check(&mut session.0).await
    }
}

impl Session for UntidySession {
    type Error = ScriptedError;

    fn condition(&self) -> Condition {
        Condition::Dirty
    }

    fn classify(error: &ScriptedError) -> Fault {
        error.fault
    }

    async fn release(_: &mut Self) -> Result<(), ScriptedError> {
        Ok(())
    }

    async fn close(this: Self) -> Result<(), ScriptedError> {
        Session::close(this.0).await
    }

    fn abort(this: Self) {
        Session::abort(this.0);
    }
}
