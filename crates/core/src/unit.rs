use std::fmt;
use std::future::{self, Future};
use std::panic::{self, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::{Pool, Transactional, Tx, TxError, TxOptions};

/// A unit of work by hand: what SQLAlchemy calls a `Session`.
///
/// It has no session until it is first used; then it takes one and begins. Commit
/// and rollback give the session back, and the next use takes one anew. It owns
/// what it needs, so it fits in a struct without a lifetime.
///
/// ```
/// # use sessionpool_testkit::Scripted;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend = Scripted::new();
/// # let pool = sessionpool_core::Pool::builder(backend).build()?;
/// let mut unit = pool.unit();
/// unit.session().await?.write("a row").await?; // takes a session and begins
/// unit.commit().await?;                        // the session is back in the pool
/// unit.session().await?.write("more").await?;  // another one, another transaction
/// unit.close().await?;                         // rolls back what was not committed
/// # Ok(())
/// # }
/// ```
///
/// Dropping a unit does what [`close`](Self::close) does, in the background.
#[must_use = "a unit does nothing until its session is used"]
pub struct Unit<S: Transactional> {
    pool: Pool<S>,
    options: TxOptions,
    state: State<S>,
    on_commit: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

enum State<S: Transactional> {
    /// No session, nothing begun.
    Idle,
    Begun(Tx<S>),
    /// The last commit did not happen, or nobody can tell. Until the unit is used
    /// again, asking for another commit is answered the same.
    NotCommitted(TxError),
}

/// A commit's future was dropped before the answer came.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the commit was cancelled before its answer came")]
struct CommitCancelled;

impl<S: Transactional> Unit<S> {
    pub(crate) const fn new(pool: Pool<S>, options: TxOptions) -> Self {
        Self { pool, options, state: State::Idle, on_commit: Vec::new() }
    }

    /// The pool this unit takes its sessions from.
    #[must_use]
    pub const fn pool(&self) -> &Pool<S> {
        &self.pool
    }

    /// What its transactions are like.
    #[must_use]
    pub const fn options(&self) -> &TxOptions {
        &self.options
    }

    /// True from the first use until commit, rollback or close.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        matches!(self.state, State::Begun(_))
    }

    /// The unit's session, taken and begun if that has yet to happen.
    ///
    /// # Errors
    ///
    /// No session was lent, or it could not begin: the unit is as it was, and may
    /// be used again. [`TxError::OutcomeUnknown`] after a commit whose outcome is
    /// unknown, until [`rollback`](Self::rollback) or [`close`](Self::close)
    /// acknowledges it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a session taken meanwhile goes back.
    #[track_caller]
    pub fn session(&mut self) -> impl Future<Output = Result<&mut S, TxError>> + Send {
        let begun = self.begin_at(Location::caller());
        async move { Ok(&mut **begun.await?) }
    }

    /// [`session`](Self::session) on behalf of the code at `site`: what the pool says of
    /// its holders points there. For what is built upon a unit.
    ///
    /// # Errors
    ///
    /// As for [`session`](Self::session).
    ///
    /// # Cancel safety
    ///
    /// As for [`session`](Self::session).
    pub async fn begin_at(
        &mut self,
        site: &'static Location<'static>,
    ) -> Result<&mut Tx<S>, TxError> {
        match &self.state {
            State::NotCommitted(error) if error.is_outcome_unknown() => return Err(error.clone()),
            State::Idle | State::NotCommitted(_) => {
                self.state = State::Begun(self.pool.begin_at(&self.options, site).await?);
            }
            State::Begun(_) => {}
        }
        match &mut self.state {
            State::Begun(tx) => Ok(tx),
            State::Idle | State::NotCommitted(_) => unreachable!("begun a line ago"),
        }
    }

    /// The transaction, from the first use until commit, rollback or close.
    #[must_use]
    pub const fn tx(&self) -> Option<&Tx<S>> {
        match &self.state {
            State::Begun(tx) => Some(tx),
            State::Idle | State::NotCommitted(_) => None,
        }
    }

    /// [`tx`](Self::tx), to work with.
    #[must_use]
    pub const fn tx_mut(&mut self) -> Option<&mut Tx<S>> {
        match &mut self.state {
            State::Begun(tx) => Some(tx),
            State::Idle | State::NotCommitted(_) => None,
        }
    }

    /// Runs `work` inside a savepoint: keeps what it did on `Ok`, undoes it on
    /// `Err`, and goes on with the unit either way. See [`Tx::savepoint`].
    ///
    /// # Errors
    ///
    /// As for [`session`](Self::session) and [`Tx::savepoint`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Tx::savepoint`].
    #[track_caller]
    pub fn savepoint<R, E>(
        &mut self,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> impl Future<Output = Result<R, E>>
    where
        E: From<TxError>,
    {
        let begun = self.begin_at(Location::caller());
        async move {
            let tx = begun.await?;
            tx.inside().around(tx.savepoint(work)).await
        }
    }

    /// Has `work` done after the next commit, once the session is back in the
    /// pool: telling others, filling caches.
    ///
    /// Only after a commit that succeeded, be it of nothing; a rollback, a close or a
    /// commit that fails forgets it. [`commit`](Self::commit) awaits it, in the order of
    /// registration. It cannot change the outcome: a panic in it is caught.
    pub fn on_commit(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.on_commit.push(Box::pin(work));
    }

    /// Makes the unit's work permanent, and gives the session back. Without any
    /// work done there is nothing to make permanent, and that succeeds, too.
    ///
    /// # Errors
    ///
    /// [`TxError::RolledBack`] if nothing of the work is or will be visible,
    /// because the remote end refused, the session was lost, or something was left
    /// half way. The unit can be used again; asked to commit before that, it answers
    /// the same. [`TxError::OutcomeUnknown`] if nobody can tell; the unit says so
    /// at every use until [`rollback`](Self::rollback) or [`close`](Self::close)
    /// acknowledges it.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the outcome is unknown, and the unit says so.
    /// Dropped during the work registered by [`on_commit`](Self::on_commit), the
    /// commit has happened.
    pub async fn commit(&mut self) -> Result<(), TxError> {
        let after = std::mem::take(&mut self.on_commit);
        match std::mem::replace(&mut self.state, State::NotCommitted(cancelled())) {
            State::NotCommitted(error) => {
                self.state = State::NotCommitted(error.clone());
                return Err(error);
            }
            State::Begun(tx) => {
                if let Err(error) = tx.commit().await {
                    self.state = State::NotCommitted(error.clone());
                    return Err(error);
                }
            }
            State::Idle => {}
        }
        self.state = State::Idle;
        for work in after {
            uninfluential(work).await;
        }
        Ok(())
    }

    /// Undoes the unit's work, and gives the session back. Without any, does
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`TxError::Rollback`] if the remote end did not confirm. The session is
    /// ended then, and the remote end rolls back by itself; the unit can be used
    /// again.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the session is rolled back in the background.
    pub async fn rollback(&mut self) -> Result<(), TxError> {
        self.on_commit.clear();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Begun(tx) => tx.rollback().await,
            State::Idle | State::NotCommitted(_) => Ok(()),
        }
    }

    /// Cleans up, whatever happened before: rolls back what was not committed,
    /// gives the session back, acknowledges a commit in doubt. Allowed in every
    /// state, any number of times; the unit can be used again.
    ///
    /// # Errors
    ///
    /// As for [`rollback`](Self::rollback); the unit is cleaned up all the same.
    ///
    /// # Cancel safety
    ///
    /// As for [`rollback`](Self::rollback).
    pub async fn close(&mut self) -> Result<(), TxError> {
        self.rollback().await
    }
}

/// What a unit is in while its commit is under way.
fn cancelled() -> TxError {
    TxError::OutcomeUnknown { cause: Arc::new(CommitCancelled) }
}

/// Awaits `work`; a panic in it ends it and nothing else.
async fn uninfluential(mut work: Pin<Box<dyn Future<Output = ()> + Send>>) {
    future::poll_fn(|cx| {
        panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))).unwrap_or(Poll::Ready(()))
    })
    .await;
}

impl<S: Transactional> fmt::Debug for Unit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle => "idle",
            State::Begun(_) => "begun",
            State::NotCommitted(_) => "not committed",
        };
        f.debug_struct("Unit").field("state", &state).finish_non_exhaustive()
    }
}
