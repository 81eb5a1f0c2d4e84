use sessionpool_core::{
    CommitOutcome, Condition, Fault, Savepoint, Session as _, Transactional, TxOptions,
};

use super::{Answer, Result, ScriptedError, ScriptedSession, Transaction, Verb};

impl Transactional for ScriptedSession {
    fn has_conflict(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.conflict)
    }

    fn statements(&self) -> Option<u64> {
        Some(self.writes)
    }

    async fn begin(this: &mut Self, options: &TxOptions) -> Result {
        this.touch();
        match (this.condition(), &this.transaction) {
            (Condition::Clean | Condition::Broken(_), _) => {}
            (_, Some(_)) => return Err(this.misuse(Verb::Begin, "inside a transaction")),
            (_, None) => return Err(this.misuse(Verb::Begin, "on a session lent unclean")),
        }
        let options = options.clone();
        this.work(Verb::Begin, |this| this.transaction = Some(Transaction::new(options))).await
    }

    async fn commit(this: &mut Self) -> CommitOutcome<ScriptedError> {
        if this.transaction.is_none() {
            return CommitOutcome::RolledBack(Some(
                this.misuse(Verb::Commit, "outside a transaction"),
            ));
        }
        match this.call(Verb::Commit).await {
            Ok(answer) => this.answer_commit(answer),
            // Lost before the commit was answered, or with an answer unread: the
            // remote end has rolled back.
            Err(error) => {
                this.transaction = None;
                CommitOutcome::RolledBack(Some(error))
            }
        }
    }

    async fn rollback(this: &mut Self) -> Result {
        let done = this.work(Verb::Rollback, |this| this.transaction = None).await;
        this.unless_done(done)
    }

    async fn savepoint(this: &mut Self) -> Result<Savepoint> {
        this.inside(Verb::Savepoint, None)?;
        this.savepoints += 1;
        let savepoint = Savepoint::new(this.savepoints);
        this.work(Verb::Savepoint, |this| {
            if let Some(transaction) = &mut this.transaction {
                transaction.mark(savepoint);
            }
            savepoint
        })
        .await
    }

    async fn release_savepoint(this: &mut Self, savepoint: Savepoint) -> Result {
        this.inside(Verb::ReleaseSavepoint, Some(savepoint))?;
        this.work(Verb::ReleaseSavepoint, |this| {
            this.transaction.as_mut().and_then(|transaction| transaction.forget(savepoint));
        })
        .await
    }

    async fn rollback_to(this: &mut Self, savepoint: Savepoint) -> Result {
        this.inside(Verb::RollbackTo, Some(savepoint))?;
        this.work(Verb::RollbackTo, |this| {
            if let Some(transaction) = &mut this.transaction {
                transaction.return_to(savepoint);
            }
        })
        .await
    }
}

impl ScriptedSession {
    fn answer_commit(&mut self, answer: Answer) -> CommitOutcome<ScriptedError> {
        let rows = self.transaction.take().map(|transaction| transaction.rows);
        match answer {
            Answer::Success | Answer::Lost => {
                self.ledger.with(|state| state.commit(rows.into_iter().flatten()));
            }
            _ => {}
        }
        match answer {
            Answer::Success => CommitOutcome::Committed,
            Answer::RolledBack => CommitOutcome::RolledBack(None),
            Answer::Lost => {
                self.broken = Some(Fault::SessionLost);
                CommitOutcome::Unknown(self.fail(Verb::Commit, Fault::OutcomeUnknown))
            }
            Answer::Failure(fault) => {
                let error = self.fail(Verb::Commit, fault);
                match fault {
                    Fault::OutcomeUnknown | Fault::SessionLost | Fault::BackendLost => {
                        CommitOutcome::Unknown(error)
                    }
                    _ => CommitOutcome::RolledBack(Some(error)),
                }
            }
        }
    }

    /// Savepoints are for transactions, and ended ones are unknown.
    fn inside(&self, verb: Verb, savepoint: Option<Savepoint>) -> Result {
        match (&self.transaction, savepoint) {
            (None, _) => Err(self.misuse(verb, "outside a transaction")),
            (Some(transaction), Some(mark)) if !transaction.has(mark) => {
                Err(ScriptedError::new(verb, Fault::Other))
            }
            _ => Ok(()),
        }
    }

    /// Puts a misuse into the book; the call fails.
    fn misuse(&self, verb: Verb, what: &str) -> ScriptedError {
        self.ledger.with(|state| state.violate(format!("{verb} {what} (session {})", self.id)));
        ScriptedError::new(verb, Fault::Other)
    }
}
