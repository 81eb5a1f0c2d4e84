use std::future::pending;
use std::mem;

use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Savepoint, Session, Transactional, TxOptions,
};
use sessionpool_testkit::conformance::{
    Capabilities, CountsSessions, DoomsCommits, Harness, LosesAcks, RefusesLogins, ResetsState,
    SeversSessions, Transactions, cut,
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

impl Transactional for FlawedSession {
    fn has_conflict(&self) -> bool {
        self.inner.has_conflict()
    }

    async fn begin(this: &mut Self, options: &TxOptions) -> Result<(), ScriptedError> {
        this.rows.clear();
        if this.is(Flaw::ReleaseKeepsTransaction) && mem::take(&mut this.pretends) {
            return Ok(());
        }
        this.doing = Some(Verb::Begin);
        if this.is(Flaw::DroppedBeginStays) {
            this.scripted.next(Verb::Begin, Act::succeed());
        }
        Transactional::begin(&mut this.inner, options).await?;
        if this.is(Flaw::DroppedBeginStays) {
            yield_now().await;
        }
        this.doing = None;
        if this.is(Flaw::MarksRestart) {
            this.marks.clear();
        }
        Ok(())
    }

    async fn commit(this: &mut Self) -> CommitOutcome<ScriptedError> {
        match this.flaw {
            Flaw::CommitLoses => match Transactional::rollback(&mut this.inner).await {
                Ok(()) => CommitOutcome::Committed,
                Err(error) => CommitOutcome::Unknown(error),
            },
            Flaw::CommitTears => {
                this.doing = Some(Verb::Commit);
                let torn = this.tear().await;
                this.doing = None;
                torn.map_or_else(CommitOutcome::Unknown, |()| CommitOutcome::Committed)
            }
            Flaw::AbandonedIsCommitted if this.inner.condition() == Condition::Busy => {
                let _ = this.commit_honestly().await;
                CommitOutcome::Committed
            }
            Flaw::RefusedStaysOpen => {
                this.pretends = true;
                CommitOutcome::RolledBack(None)
            }
            flaw => match (flaw, this.commit_honestly().await) {
                (Flaw::RefusedIsCommitted, CommitOutcome::RolledBack(_))
                | (Flaw::LostAckIsCommitted, CommitOutcome::Unknown(_)) => CommitOutcome::Committed,
                (Flaw::RefusedIsUnknown, CommitOutcome::RolledBack(Some(error))) => {
                    CommitOutcome::Unknown(error)
                }
                (Flaw::LostAckIsRolledBack, CommitOutcome::Unknown(error)) => {
                    CommitOutcome::RolledBack(Some(error))
                }
                (_, outcome) => outcome,
            },
        }
    }

    async fn rollback(this: &mut Self) -> Result<(), ScriptedError> {
        let open = this.inner.transaction().is_some();
        match this.flaw {
            Flaw::RollbackNeedsTransaction if !open => {
                Err(ScriptedError::new(Verb::Rollback, Fault::Other))
            }
            Flaw::RollbackKeeps if open => {
                let _ = Transactional::commit(&mut this.inner).await;
                Ok(())
            }
            _ => Transactional::rollback(&mut this.inner).await,
        }
    }

    async fn savepoint(this: &mut Self) -> Result<Savepoint, ScriptedError> {
        let real = Transactional::savepoint(&mut this.inner).await?;
        let name = match this.flaw {
            Flaw::MarksRepeat => Savepoint::new(1),
            Flaw::MarksRestart => Savepoint::new(this.marks.len() as u64),
            _ => real,
        };
        this.marks.push((name, real));
        Ok(name)
    }

    async fn release_savepoint(this: &mut Self, mark: Savepoint) -> Result<(), ScriptedError> {
        let real = this.real(mark);
        Transactional::release_savepoint(&mut this.inner, real).await
    }

    async fn rollback_to(this: &mut Self, mark: Savepoint) -> Result<(), ScriptedError> {
        let real = this.real(mark);
        match this.flaw {
            Flaw::RollbackToKeeps => Transactional::release_savepoint(&mut this.inner, real).await,
            Flaw::EndedMarkLives => {
                let _ = Transactional::rollback_to(&mut this.inner, real).await;
                Ok(())
            }
            _ => Transactional::rollback_to(&mut this.inner, real).await,
        }
    }
}

impl Harness for Flawed {
    type Backend = Self;

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .counts_sessions()
            .refuses_logins()
            .resets_state()
            .severs_sessions()
            .transactions()
            .dooms_commits()
            .loses_acks()
    }

    async fn backend(&self) -> Self {
        self.clone()
    }

    async fn ask(&self, session: &mut FlawedSession, number: u32) -> Result<u32, ScriptedError> {
        session.ask(number).await
    }

    async fn interrupt(&self, session: &mut FlawedSession) {
        assert!(cut(session.ask(0), 1).await.is_none());
    }
}

impl CountsSessions for Flawed {
    async fn live(&self) -> usize {
        self.scripted.book().live
    }
}

impl RefusesLogins for Flawed {
    async fn refusing(&self) -> Self {
        self.scripted.always(Verb::Open, Act::yields(2).then_fail(Fault::Rejected));
        self.clone()
    }
}

impl ResetsState for Flawed {
    async fn disturb(&self, session: &mut FlawedSession) {
        session.setting = true;
        if !self.is(Flaw::SettingIsClean) {
            session.inner.set_dirty();
        }
    }

    async fn undisturbed(&self, session: &mut FlawedSession) -> bool {
        !session.setting
    }
}

impl SeversSessions for Flawed {
    async fn sever(&self, _: &mut FlawedSession) {
        self.scripted.lose_sessions();
    }
}

impl Transactions for Flawed {
    async fn write(&self, session: &mut FlawedSession, row: &str) {
        session.write(row).await.expect("nothing speaks against a write");
    }

    async fn committed(&self, row: &str) -> bool {
        self.scripted.committed().iter().any(|committed| committed == row)
    }
}

impl DoomsCommits for Flawed {
    async fn doom(&self, _: &mut FlawedSession) {
        self.scripted.next(Verb::Commit, Act::fail(Fault::Conflict));
    }
}

impl LosesAcks for Flawed {
    async fn lose_ack(&self, _: &mut FlawedSession) {
        self.scripted.next(Verb::Commit, Act::lose_ack());
    }
}
