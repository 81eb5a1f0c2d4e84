use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{Condition, Fault, Session, TxOptions};

use super::act::Answer;
use super::ledger::{End, Ledger};
use super::transaction::Transaction;
use super::{Act, Hold, ScriptedError, Verb};

mod transactional;

/// A session of a [`Scripted`](crate::Scripted) backend.
///
/// A future of it dropped half way leaves it `Busy`; then only `release`,
/// `rollback` and an end work on it.
#[derive(Debug)]
pub struct ScriptedSession {
    ledger: Arc<Ledger>,
    id: u64,
    generation: u64,
    stage: Stage,
    broken: Option<Fault>,
    busy: bool,
    dirty: bool,
    transaction: Option<Transaction>,
    savepoints: u64,
    writes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Closing,
    Ended,
}

type Result<T = ()> = std::result::Result<T, ScriptedError>;

impl ScriptedSession {
    pub(super) const fn new(ledger: Arc<Ledger>, id: u64, generation: u64) -> Self {
        Self {
            ledger,
            id,
            generation,
            stage: Stage::Open,
            broken: None,
            busy: false,
            dirty: false,
            transaction: None,
            savepoints: 0,
            writes: 0,
        }
    }

    /// The session's number, from 1 on in the order of opening.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The options of the open transaction, if there is one.
    #[must_use]
    pub fn transaction(&self) -> Option<&TxOptions> {
        self.transaction.as_ref().map(|transaction| &transaction.options)
    }

    /// Writes a row: durable at once, or with the open transaction.
    ///
    /// # Errors
    ///
    /// The act says so, the session is `Busy` or `Broken`, or its transaction is
    /// read only.
    ///
    /// # Cancel safety
    ///
    /// The session is `Busy` and the row not written.
    pub async fn write(&mut self, row: &str) -> Result {
        let read_only = self.transaction().is_some_and(|options| options.read_only);
        let row = row.to_owned();
        self.writes += 1;
        self.work(Verb::Write, |this| match &mut this.transaction {
            Some(_) if read_only => {}
            Some(transaction) => transaction.rows.push(row),
            None => this.ledger.with(|state| state.commit([row])),
        })
        .await?;
        if read_only { Err(ScriptedError::new(Verb::Write, Fault::Other)) } else { Ok(()) }
    }

    /// Leaves something of the borrower's on the session.
    pub const fn set_dirty(&mut self) {
        self.dirty = true;
    }

    /// True if something of the borrower's was left on the session and not
    /// cleaned up since.
    #[must_use]
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Says who works with the session: a second holder at the same time, and a
    /// check, release or end of a held session, go into the book as violations.
    pub fn hold(&self) -> Hold {
        Hold::take(Arc::clone(&self.ledger), self.id)
    }

    /// Breaks this session at once.
    pub const fn lose(&mut self, fault: Fault) {
        self.broken = Some(fault);
    }

    /// Notices whether the remote end went away, without a call.
    pub fn touch(&mut self) {
        if self.broken.is_none() && self.ledger.with(|state| state.is_lost(self.generation)) {
            self.broken = Some(Fault::SessionLost);
        }
    }

    /// A second value for the same session, as no backend may make it: for
    /// breaking the rules on purpose.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self::new(Arc::clone(&self.ledger), self.id, self.generation)
    }

    pub(super) async fn check(&mut self) -> Result {
        self.work(Verb::Check, |_| ()).await
    }

    /// Calls the remote end and does `work` there if it answers so.
    async fn work<T>(&mut self, verb: Verb, work: impl FnOnce(&mut Self) -> T + Send) -> Result<T> {
        match self.call(verb).await? {
            Answer::Success | Answer::RolledBack => Ok(work(self)),
            Answer::Failure(fault) => Err(self.fail(verb, fault)),
            Answer::Lost => {
                work(self);
                self.broken = Some(Fault::SessionLost);
                Err(self.fail(verb, Fault::OutcomeUnknown))
            }
        }
    }

    /// Calls the remote end; fails if there is none, or an answer is unread.
    async fn call(&mut self, verb: Verb) -> Result<Answer> {
        let act = self.ledger.call(verb, self.id);
        self.usable(verb)?;
        let was_busy = self.busy;
        self.busy = true;
        let answer = act.play(verb).await;
        self.busy = was_busy && matches!(answer, Answer::Failure(_));
        self.usable(verb).map(|()| answer)
    }

    fn usable(&mut self, verb: Verb) -> Result {
        self.touch();
        match self.condition() {
            Condition::Broken(fault) => Err(ScriptedError::new(verb, fault)),
            Condition::Busy if !verb.drains() => Err(ScriptedError::new(verb, Fault::Other)),
            _ => Ok(()),
        }
    }

    const fn fail(&mut self, verb: Verb, fault: Fault) -> ScriptedError {
        if fault.ends_session() {
            self.broken = Some(fault);
        }
        if let (Fault::Conflict, Some(transaction)) = (fault, &mut self.transaction) {
            transaction.conflict = true;
        }
        ScriptedError::new(verb, fault)
    }

    fn end(&mut self, how: End) {
        self.stage = Stage::Ended;
        self.ledger.change(|state| state.end(self.id, how));
    }

    /// What is left after a release or rollback that failed is not `Clean`.
    fn unless_done(&mut self, done: Result) -> Result {
        self.dirty |= done.is_err();
        done
    }
}

impl Session for ScriptedSession {
    type Error = ScriptedError;

    fn condition(&self) -> Condition {
        match self.broken {
            Some(fault) => Condition::Broken(fault),
            None if self.busy => Condition::Busy,
            None if self.dirty || self.transaction.is_some() => Condition::Dirty,
            None => Condition::Clean,
        }
    }

    fn idle_limit(&self) -> Option<Duration> {
        self.ledger.with(|state| state.idle_limit)
    }

    fn classify(error: &ScriptedError) -> Fault {
        error.fault
    }

    async fn release(this: &mut Self) -> Result {
        let done = this
            .work(Verb::Release, |this| {
                this.transaction = None;
                this.dirty = false;
            })
            .await;
        this.unless_done(done)
    }

    // Not an `async fn`: a future that was never polled must end the session too.
    fn close(mut this: Self) -> impl Future<Output = Result> + Send {
        this.stage = Stage::Closing;
        async move {
            let act = this.ledger.call(Verb::Close, this.id);
            let answer = act.play(Verb::Close).await;
            this.end(End::Closed);
            match answer {
                Answer::Success | Answer::RolledBack => Ok(()),
                Answer::Failure(fault) => Err(ScriptedError::new(Verb::Close, fault)),
                Answer::Lost => Err(ScriptedError::new(Verb::Close, Fault::OutcomeUnknown)),
            }
        }
    }

    fn abort(mut this: Self) {
        let act: Act = this.ledger.call(Verb::Abort, this.id);
        this.end(End::Aborted);
        act.play_at_once(Verb::Abort);
    }
}

impl Drop for ScriptedSession {
    fn drop(&mut self) {
        match self.stage {
            Stage::Open => self.end(End::Dropped),
            Stage::Closing => self.end(End::Aborted),
            Stage::Ended => {}
        }
    }
}
