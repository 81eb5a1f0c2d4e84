//! What sessions of all databases have in common: one connection, and how work on
//! it is begun, ended and cleaned up.

use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryFutureExt};
use sessionpool_core::{CommitOutcome, Condition, Fault, Savepoint, TxOptions};
use sqlx::{AssertSqlSafe, Error, SqlSafeStr};

use crate::driver::{Driver, Verdict};
use crate::effect::{Control, Effect};
use crate::failure::SqlFailure;
use crate::mark::{Answer, Mark};
use crate::watched::Watched;

/// How long a statement that was dropped may go on before it is cancelled: when its
/// session is given back, a moment, in which most come to their end.
pub(crate) const MOMENT: Duration = Duration::from_millis(20);

/// … and when its transaction is to be committed, which the cancelling prevents.
const BEFORE_COMMIT: Duration = Duration::from_secs(2);

/// One connection and what is known about it.
#[derive(Debug)]
pub(crate) struct Conversation<D: Driver> {
    pub(crate) connection: D::Connection,
    pub(crate) mark: Mark,
    pub(crate) driver: D,
    /// Within the transaction around all that is done on the session, if there is one:
    /// up to where it is kept.
    pub(crate) kept: Option<Savepoint>,
    /// Where it will be kept up to, once what was sent for that has been answered.
    pub(crate) keeping: Option<Savepoint>,
    savepoints: u64,
}

impl<D: Driver> Conversation<D> {
    pub(crate) fn new(connection: D::Connection, driver: D) -> Self {
        Self { connection, mark: Mark::default(), driver, kept: None, keeping: None, savepoints: 0 }
    }

    /// The connection, for whom we do not watch. A sandbox has nobody whom it does not
    /// watch: a `COMMIT` would be the sandbox's own.
    pub(crate) fn raw(&mut self) -> sqlx::Result<&mut D::Connection> {
        if self.kept.is_some() {
            return Err(SqlFailure::InsideSandbox.into());
        }
        self.mark.doubt("use of its raw connection");
        Ok(&mut self.connection)
    }

    /// Talks to the database with the session marked busy.
    pub(crate) async fn watch<'s, T>(
        &'s mut self,
        effect: Effect,
        talk: impl FnOnce(&'s mut D::Connection) -> BoxFuture<'s, sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        self.admit(effect).await?;
        self.hear(talk).await
    }

    /// Talks to the database on our own behalf, whatever a borrower may not do.
    pub(crate) async fn own<'s, T>(
        &'s mut self,
        effect: Effect,
        talk: impl FnOnce(&'s mut D::Connection) -> BoxFuture<'s, sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        self.mark.enter(effect);
        self.hear(talk).await
    }

    async fn hear<'s, T>(
        &'s mut self,
        talk: impl FnOnce(&'s mut D::Connection) -> BoxFuture<'s, sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        let Self { connection, mark, driver, .. } = self;
        let done = talk(connection).await;
        note(driver, mark, &done);
        done
    }

    /// Rows on their way, with the session marked busy until their end.
    pub(crate) fn rows<'s, T: Send + 's>(
        &'s mut self,
        effect: Effect,
        talk: impl FnOnce(&'s mut D::Connection) -> BoxStream<'s, sqlx::Result<T>> + Send + 's,
    ) -> BoxStream<'s, sqlx::Result<T>> {
        let rows = async move {
            self.admit(effect).await?;
            let Self { connection, mark, driver, .. } = self;
            Ok(Watched { rows: talk(connection), mark, driver })
        };
        rows.try_flatten_stream().boxed()
    }

    /// Lets a statement pass unless its transaction is gone, and marks the session
    /// busy with it.
    async fn admit(&mut self, effect: Effect) -> sqlx::Result<()> {
        if let Some(dropped) = self.mark.in_flight() {
            let spares = D::spares(&dropped, &self.mark);
            self.settle((!spares).then_some(MOMENT)).await?;
        }
        self.mark.admits(&effect)?;
        if self.kept.is_some() {
            Box::pin(self.admit_inside(&effect)).await?;
        }
        if let Some(failure) = self.driver.refuses(&effect, &self.mark) {
            return Err(failure.into());
        }
        self.mark.enter_for_borrower(effect);
        let prepared = D::prepare(&mut self.connection, &mut self.mark).await;
        if let Err(error) = &prepared {
            self.mark.leave(answer(&self.driver, &self.mark, error));
        }
        prepared
    }

    /// Sends a text of our own, once everything before it is settled.
    pub(crate) async fn send(
        &mut self,
        effect: Effect,
        sql: impl SqlSafeStr + Send,
    ) -> sqlx::Result<()> {
        let sql = sql.into_sql_str();
        self.own(effect, |connection| D::execute(connection, sql)).await
    }

    /// Brings what was left half way to its end. The session is lost if that fails.
    pub(crate) async fn settle_soon(&mut self) -> sqlx::Result<()> {
        self.settle(Some(MOMENT)).await
    }

    async fn settle(&mut self, patience: Option<Duration>) -> sqlx::Result<()> {
        if !self.mark.is_busy() {
            return Ok(());
        }
        // Boxed, as it is rare, and would else be in the size of every future.
        match Box::pin(D::settle(self, patience)).await {
            Ok(late) => {
                self.kept = self.keeping.take().filter(|_| late.is_none()).or(self.kept);
                self.mark.finish(late);
                Ok(())
            }
            Err(error) => {
                self.mark.finish(Some(answer(&self.driver, &self.mark, &error)));
                self.lose();
                Err(error)
            }
        }
    }

    pub(crate) async fn begin(&mut self, options: &TxOptions) -> sqlx::Result<()> {
        match self.driver.refuses_unit(options) {
            Some(failure) => Err(failure.into()),
            None => self.begin_anyway(options).await,
        }
    }

    pub(crate) async fn begin_anyway(&mut self, options: &TxOptions) -> sqlx::Result<()> {
        self.settle(Some(MOMENT)).await?;
        if self.mark.is_open() {
            Box::pin(self.roll_back()).await?;
            return Err(SqlFailure::TransactionOpen.into());
        }
        self.mark.suspect();
        let begun = match self.kept {
            None => D::begin(self, options).await,
            Some(_) => self.begin_inside(options).await,
        };
        match begun {
            Ok(()) => self.mark.begun(),
            // If it cannot, the mark says so.
            Err(_) => drop(Box::pin(self.roll_back()).await),
        }
        begun
    }

    pub(crate) async fn commit(&mut self) -> CommitOutcome<Error> {
        if !self.mark.is_ours() {
            // If that fails the mark says so.
            let _ = Box::pin(self.rollback()).await;
            return CommitOutcome::RolledBack(Some(SqlFailure::NoTransaction.into()));
        }
        let settled = self.settle(Some(BEFORE_COMMIT)).await;
        // Asked before, since our own attempt counts, too.
        let in_part = self.mark.is_committing() || self.is_meddled();
        let verdict = match (settled, self.mark.forbids_commit()) {
            (Err(error), _) => Verdict::Refused { error, in_part },
            (Ok(()), Some(own)) => Verdict::Refused { error: own.into(), in_part },
            (Ok(()), None) => {
                self.mark.committing();
                match self.kept {
                    None => D::commit(self).await,
                    Some(_) => self.commit_inside().await,
                }
            }
        };
        self.conclude(verdict).await
    }

    /// True if the borrower may have committed something of our transaction himself.
    fn is_meddled(&self) -> bool {
        self.driver.saw_commit().unwrap_or(self.mark.is_meddled())
    }

    /// True if doing the open transaction again is right, and may succeed.
    pub(crate) fn has_conflict(&self) -> bool {
        self.mark.has_conflict() && !self.is_meddled()
    }

    /// Leaves no transaction open, or the session lost.
    pub(crate) async fn conclude(&mut self, verdict: Verdict) -> CommitOutcome<Error> {
        match verdict {
            Verdict::Committed => {
                self.mark.settle();
                CommitOutcome::Committed
            }
            Verdict::Refused { error, in_part } => {
                // If that fails the mark says so; nothing more was or will be
                // committed either way.
                if !self.is_lost() {
                    let _ = Box::pin(self.roll_back()).await;
                }
                if in_part {
                    CommitOutcome::Unknown(error)
                } else {
                    CommitOutcome::RolledBack(Some(error))
                }
            }
            Verdict::Unknown(error) => {
                self.lose();
                CommitOutcome::Unknown(error)
            }
        }
    }

    pub(crate) async fn rollback(&mut self) -> sqlx::Result<()> {
        match self.mark.condition() {
            Condition::Dirty | Condition::Busy if self.mark.is_open() => self.roll_back().await,
            Condition::Clean | Condition::Dirty => Ok(()),
            Condition::Busy | Condition::Broken(_) => self.settle(Some(MOMENT)).await,
        }
    }

    /// Rolls back whatever transaction is open, ours or the borrower's own.
    ///
    /// The session is lost if that fails: nobody knows then what is open.
    async fn roll_back(&mut self) -> sqlx::Result<()> {
        self.settle(Some(MOMENT)).await?;
        let done = match self.kept {
            None => D::roll_back(self).await,
            Some(_) => self.roll_back_inside().await,
        };
        match done {
            Ok(()) => self.mark.settle(),
            Err(_) => self.lose(),
        }
        done
    }

    pub(crate) async fn savepoint(&mut self) -> sqlx::Result<Savepoint> {
        let savepoint = self.next_savepoint();
        // Dropped half way, it abandons no write.
        self.send_savepoint(Effect::READ, format!("SAVEPOINT {}", name(savepoint))).await?;
        Ok(savepoint)
    }

    pub(crate) const fn next_savepoint(&mut self) -> Savepoint {
        self.savepoints += 1;
        Savepoint::new(self.savepoints)
    }

    pub(crate) async fn release_savepoint(&mut self, savepoint: Savepoint) -> sqlx::Result<()> {
        let text = format!("RELEASE SAVEPOINT {}", name(savepoint));
        self.send_savepoint(Effect::READ, text).await
    }

    pub(crate) async fn rollback_to(&mut self, savepoint: Savepoint) -> sqlx::Result<()> {
        let name = name(savepoint);
        let text = format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}");
        self.send_savepoint(Effect::control(Control::Rewinds), text).await
    }

    /// Sends a statement about a savepoint of our transaction.
    ///
    /// Without one, some databases would begin or commit it.
    async fn send_savepoint(&mut self, effect: Effect, text: String) -> sqlx::Result<()> {
        if !self.mark.is_ours() {
            return Err(SqlFailure::NoTransaction.into());
        }
        let sql = AssertSqlSafe(text).into_sql_str();
        self.watch(effect, |connection| D::execute(connection, sql)).await
    }

    pub(crate) async fn release(&mut self) -> sqlx::Result<()> {
        match self.mark.condition() {
            Condition::Clean => return Ok(()),
            Condition::Broken(_) => {
                return Err(SqlFailure::Touched { by: "the failure it met" }.into());
            }
            Condition::Dirty | Condition::Busy => {}
        }
        let discards = self.driver.discards() && self.kept.is_none();
        if let Some(by) = self.mark.touched().filter(|_| discards) {
            return Err(SqlFailure::Touched { by }.into());
        }
        self.settle(Some(MOMENT)).await?;
        let cleaned = match self.kept {
            None => D::clean(self).await,
            Some(_) => Box::pin(self.clean_inside()).await,
        };
        match cleaned {
            Ok(()) => self.mark.reset(),
            Err(_) => self.lose(),
        }
        cleaned
    }

    pub(crate) fn lose(&mut self) {
        if !self.is_lost() {
            self.mark.lose(Fault::SessionLost);
        }
    }

    const fn is_lost(&self) -> bool {
        matches!(self.mark.condition(), Condition::Broken(_))
    }
}

/// Notes what was answered.
pub(crate) fn note<D: Driver, T>(driver: &D, mark: &mut Mark, done: &sqlx::Result<T>) {
    mark.leave(match done {
        Ok(_) => Answer::Done,
        Err(error) => answer(driver, mark, error),
    });
}

/// What an answer means that is an error.
pub(crate) fn answer<D: Driver>(driver: &D, mark: &Mark, error: &Error) -> Answer {
    let fault = driver.judge(error, mark);
    Answer::Failed {
        fault,
        aborts: driver.aborts(error),
        stale: D::is_stale(error),
        undecided: D::leaves_commit_in_doubt(error),
    }
}

/// A savepoint's name in SQL. Numbers are not used twice on a session.
pub(crate) fn name(savepoint: Savepoint) -> String {
    format!("sessionpool_{}", savepoint.number())
}

/// What of [`Transactional`](sessionpool_core::Transactional) is the same for each session
/// whose field `talk` is its conversation.
macro_rules! savepoints_of_talk {
    () => {
        async fn rollback(this: &mut Self) -> sqlx::Result<()> {
            this.talk.rollback().await
        }

        async fn savepoint(this: &mut Self) -> sqlx::Result<sessionpool_core::Savepoint> {
            this.talk.savepoint().await
        }

        async fn release_savepoint(
            this: &mut Self,
            savepoint: sessionpool_core::Savepoint,
        ) -> sqlx::Result<()> {
            this.talk.release_savepoint(savepoint).await
        }

        async fn rollback_to(
            this: &mut Self,
            savepoint: sessionpool_core::Savepoint,
        ) -> sqlx::Result<()> {
            this.talk.rollback_to(savepoint).await
        }
    };
}

pub(crate) use savepoints_of_talk;
