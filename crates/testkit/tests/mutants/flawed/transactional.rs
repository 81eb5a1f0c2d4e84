use std::mem;

use sessionpool_core::{
    CommitOutcome, Condition, Fault, Savepoint, Session, Transactional, TxOptions,
};
use sessionpool_testkit::{Act, ScriptedError, Verb};
use tokio::task::yield_now;

use super::{Flaw, FlawedSession};

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
