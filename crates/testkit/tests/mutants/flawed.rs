mod harness;
mod transactional;

use std::future::pending;
use std::mem;

use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Savepoint, Session, Transactional,
};
use sessionpool_testkit::{Act, Scripted, ScriptedError, ScriptedSession, Verb};
use tokio::task::yield_now;

/// The rule a backend breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    AbandonedIsCommitted,
    Nothing,
    AbortFailsUnwinding,
    AbortNeedsRuntime,
    AbortStays,
    BusyIsClean,
    CheckChangesSetting,
    CheckDirties,
    CloseStays,
    CommitIsEarly,
    CommitLoses,
    CommitTears,
    ConditionNeedsRuntime,
    DroppedBeginIsClean,
    DroppedBeginStays,
    DroppedCheckIsClean,
    DroppedCloseStays,
    DroppedCommitIsDirty,
    DroppedOpenStays,
    DroppedReleaseIsDirty,
    EndedMarkLives,
    EndsAnother,
    LostAckIsCommitted,
    LostAckIsRolledBack,
    MarksRepeat,
    MarksRestart,
    OldAnswerIsRead,
    OpenQueues,
    OpensDirty,
    RefusedIsCommitted,
    RefusedIsUnknown,
    RefusedOpenStays,
    RefusedStaysOpen,
    ReleaseDoesNothing,
    ReleaseFails,
    ReleaseKeepsSetting,
    ReleaseKeepsTransaction,
    RollbackKeeps,
    RollbackNeedsTransaction,
    RollbackToKeeps,
    SettingIsClean,
    SeveredIsClean,
    SeveredIsTransient,
    SeveredPassesCheck,
    TransactionIsClean,
}

/// A scripted remote end with one flaw; the harness and its backend at once.
#[derive(Clone, Debug)]
pub(crate) struct Flawed {
    scripted: Scripted,
    flaw: Flaw,
}

/// A session of it.
#[derive(Debug)]
pub(crate) struct FlawedSession {
    inner: ScriptedSession,
    scripted: Scripted,
    flaw: Flaw,
    /// A setting at the remote end; the inner session knows only that it is
    /// dirty.
    setting: bool,
    /// The answer to a request that was dropped.
    unread: Option<u32>,
    /// The call under way, or dropped.
    doing: Option<Verb>,
    /// Says that it is `Clean` with a transaction open.
    pretends: bool,
    /// The rows of the open transaction.
    rows: Vec<String>,
    /// Marks as the borrower knows them, and as the inner session does.
    marks: Vec<(Savepoint, Savepoint)>,
}

/// Stays at the remote end when it is dropped.
#[derive(Debug)]
struct Forgotten(Option<FlawedSession>);

const VERBS: [Verb; 11] = [
    Verb::Open,
    Verb::Check,
    Verb::Release,
    Verb::Close,
    Verb::Begin,
    Verb::Commit,
    Verb::Rollback,
    Verb::Savepoint,
    Verb::ReleaseSavepoint,
    Verb::RollbackTo,
    Verb::Write,
];

impl Flawed {
    pub(crate) fn new(flaw: Flaw) -> Self {
        let scripted = Scripted::new();
        scripted.forgive();
        for verb in VERBS {
            scripted.always(verb, Act::yields(2));
        }
        Self { scripted, flaw }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn session(&self, inner: ScriptedSession) -> FlawedSession {
        FlawedSession {
            inner,
            scripted: self.scripted.clone(),
            flaw: self.flaw,
            setting: false,
            unread: None,
            doing: None,
            pretends: false,
            rows: Vec::new(),
            marks: Vec::new(),
        }
    }
}

impl Backend for Flawed {
    type Session = FlawedSession;

    async fn open(&self) -> Result<FlawedSession, ScriptedError> {
        if self.is(Flaw::OpenQueues) && self.scripted.book().live > 0 {
            pending::<()>().await;
        }
        let opened = self.scripted.open().await;
        if self.is(Flaw::RefusedOpenStays) && opened.is_err() {
            self.scripted.next(Verb::Open, Act::succeed());
            mem::forget(self.scripted.open().await?);
        }
        let mut session = self.session(opened?);
        if self.is(Flaw::DroppedOpenStays) {
            session = Forgotten::for_a_while(session).await;
        }
        if self.is(Flaw::OpensDirty) {
            session.inner.set_dirty();
        }
        Ok(session)
    }

    async fn check(&self, session: &mut FlawedSession) -> Result<(), ScriptedError> {
        session.doing = Some(Verb::Check);
        let checked = self.scripted.check(&mut session.inner).await;
        session.doing = None;
        match self.flaw {
            Flaw::CheckDirties => session.inner.set_dirty(),
            Flaw::CheckChangesSetting => session.setting = true,
            _ => {}
        }
        if self.is(Flaw::SeveredPassesCheck) { Ok(()) } else { checked }
    }
}

impl Forgotten {
    async fn for_a_while(session: FlawedSession) -> FlawedSession {
        let mut this = Self(Some(session));
        yield_now().await;
        this.0.take().expect("nobody else takes it")
    }
}

impl Drop for Forgotten {
    fn drop(&mut self) {
        mem::forget(self.0.take());
    }
}

impl FlawedSession {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// True if the session lies, and what it says then.
    fn lie(&self) -> (bool, Condition) {
        let truth = self.inner.condition();
        let open = self.inner.transaction().is_some();
        let dropped = |verb| self.doing == Some(verb);
        match self.flaw {
            Flaw::BusyIsClean => (truth == Condition::Busy, Condition::Clean),
            Flaw::SeveredIsClean => (matches!(truth, Condition::Broken(_)), Condition::Clean),
            Flaw::TransactionIsClean => (open, Condition::Clean),
            Flaw::DroppedBeginIsClean => (dropped(Verb::Begin), Condition::Clean),
            Flaw::DroppedCheckIsClean => (dropped(Verb::Check), Condition::Clean),
            Flaw::DroppedCommitIsDirty => (dropped(Verb::Commit), Condition::Dirty),
            Flaw::DroppedReleaseIsDirty => (dropped(Verb::Release), Condition::Dirty),
            Flaw::CommitTears => (dropped(Verb::Commit), Condition::Busy),
            Flaw::DroppedBeginStays if dropped(Verb::Begin) => (true, Condition::Busy),
            _ => (self.pretends && open, Condition::Clean),
        }
    }

    async fn ask(&mut self, number: u32) -> Result<u32, ScriptedError> {
        let old = self.unread.replace(number);
        let answered = self.inner.write("asked").await;
        self.unread = None;
        match (self.flaw, answered, old) {
            (Flaw::SeveredIsTransient, Err(error), _) => {
                Err(ScriptedError::new(error.verb, Fault::Transient))
            }
            (Flaw::OldAnswerIsRead, Ok(()), Some(old)) => Ok(old),
            (_, answered, _) => answered.map(|()| number),
        }
    }

    async fn write(&mut self, row: &str) -> Result<(), ScriptedError> {
        self.rows.push(row.to_owned());
        if self.is(Flaw::CommitIsEarly) {
            let mut other = self.scripted.open().await?;
            other.write(row).await?;
            Session::abort(other);
        }
        self.inner.write(row).await
    }

    /// Makes the transaction's rows durable one by one.
    async fn tear(&mut self) -> Result<(), ScriptedError> {
        self.scripted.next(Verb::Rollback, Act::succeed());
        Transactional::rollback(&mut self.inner).await?;
        for row in mem::take(&mut self.rows) {
            self.scripted.next(Verb::Write, Act::succeed());
            self.inner.write(&row).await?;
            yield_now().await;
        }
        Ok(())
    }

    async fn commit_honestly(&mut self) -> CommitOutcome<ScriptedError> {
        self.doing = Some(Verb::Commit);
        let outcome = Transactional::commit(&mut self.inner).await;
        self.doing = None;
        outcome
    }

    /// The inner session's name for a mark of the borrower's.
    fn real(&self, mark: Savepoint) -> Savepoint {
        let known = self.marks.iter().rfind(|(name, _)| *name == mark);
        known.map_or(mark, |(_, real)| *real)
    }
}

impl Session for FlawedSession {
    type Error = ScriptedError;

    fn condition(&self) -> Condition {
        if self.is(Flaw::ConditionNeedsRuntime) {
            tokio::runtime::Handle::current();
        }
        match self.lie() {
            (true, lie) => lie,
            (false, _) => self.inner.condition(),
        }
    }

    fn classify(error: &ScriptedError) -> Fault {
        error.fault
    }

    async fn release(this: &mut Self) -> Result<(), ScriptedError> {
        match (this.flaw, this.doing) {
            (Flaw::ReleaseDoesNothing, _) => return Ok(()),
            (Flaw::ReleaseFails, _) => return Err(ScriptedError::new(Verb::Release, Fault::Other)),
            (Flaw::ReleaseKeepsTransaction, _) | (Flaw::DroppedBeginStays, Some(Verb::Begin)) => {
                this.doing = None;
                this.pretends = true;
                return Ok(());
            }
            _ => this.doing = Some(Verb::Release),
        }
        ScriptedSession::release(&mut this.inner).await?;
        this.doing = None;
        this.setting &= this.is(Flaw::ReleaseKeepsSetting);
        if !this.is(Flaw::OldAnswerIsRead) {
            this.unread = None;
        }
        Ok(())
    }

    async fn close(mut this: Self) -> Result<(), ScriptedError> {
        match this.flaw {
            Flaw::CloseStays => {
                mem::forget(this);
                return Ok(());
            }
            Flaw::DroppedCloseStays => this = Forgotten::for_a_while(this).await,
            Flaw::EndsAnother => this.scripted.lose_sessions(),
            _ => {}
        }
        Session::close(this.inner).await
    }

    fn abort(this: Self) {
        match this.flaw {
            Flaw::AbortNeedsRuntime => drop(tokio::runtime::Handle::current()),
            Flaw::AbortFailsUnwinding => assert!(!std::thread::panicking(), "aborted by a panic"),
            Flaw::AbortStays => return mem::forget(this),
            _ => {}
        }
        Session::abort(this.inner);
    }
}
