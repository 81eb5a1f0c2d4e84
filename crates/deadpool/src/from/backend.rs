use std::fmt;
use std::sync::Arc;

use deadpool::managed::{Hook, Manager};
use sessionpool_core::{Backend, EndsByItself, Fault};

use super::keeper::Keeper;
use super::{DeadpoolError, DeadpoolSession};

/// Makes a deadpool [`Manager`] a backend: `create` opens a session, `recycle` makes it
/// fit for the next borrower, `detach` and a drop end it.
///
/// Clones are handles to the same manager.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use deadpool_sqlite::{Config, Manager, Runtime};
/// use sessionpool_core::Pool;
/// use sessionpool_deadpool::FromDeadpool;
///
/// let manager = Manager::from_config(&Config::new(":memory:"), Runtime::Tokio1);
/// let pool = Pool::builder(FromDeadpool::new(manager)).max_size(4).build()?;
///
/// let session = pool.acquire().await?;
/// let answer = session.interact(|it| it.query_row("select 42", [], |row| row.get::<_, i64>(0)));
/// assert_eq!(answer.await??, 42);
/// session.release().await?;
/// # Ok(())
/// # }
/// ```
///
/// # When a session is recycled
///
/// When it comes back, if the borrower used it at all, and not, as in deadpool's own
/// pool, when it is lent: in the background after a drop, awaited by
/// [`Lease::release`](sessionpool_core::Lease::release). The manager is given true
/// [`Metrics`](deadpool::managed::Metrics). A session that cannot be recycled is ended
/// and never lent again; so is one whose recycling was dropped half way or panicked.
///
/// An object does not say what state it is in. Every use of it therefore counts as one
/// that may have been dropped half way: the session is
/// [`Busy`](sessionpool_core::Condition::Busy) from the first dereference on, by `&` as
/// by `&mut`, since many objects are used through `&` alone.
///
/// # What this cannot promise
///
/// A backend written for this framework knows its sessions; a manager knows how to
/// recycle an object. What it leaves on the object, the next borrower meets:
///
/// * **State.** Many managers only ask whether the object still answers. That of
///   `deadpool-sqlite` says yes with a transaction open, its locks and all. Add the
///   [hook](Self::pre_recycle) that rolls back, or have the borrower who knows
///   [discard](sessionpool_core::Lease::discard) the session.
///   So do `Fast` and `Verified` of `deadpool-postgres`; its `Clean` puts settings right
///   and leaves the transaction open, whose rollback then undoes the cleaning. Its
///   `Custom`, with a `ROLLBACK;` before the statements of `Clean`, cures both in one
///   round trip. (A transaction of `tokio-postgres`' own rolls itself back when dropped.)
/// * **Futures dropped half way.** Whether an object survives that, and never takes an
///   old answer for its own, is for its author to say. Requests of `deadpool-sync`, which
///   `deadpool-sqlite` and others are built on, run to their end all the same; and one
///   that no thread had taken up when it was dropped may run when the session has been
///   recycled and lent again. Where that matters, do not drop them: let a task of its own
///   have the lease, and await that.
/// * **Units of work.** deadpool has no word for them, so these sessions are not
///   [`Transactional`](sessionpool_core::Transactional).
/// * **An end that is confirmed.** Objects are dropped; whoever drops one cannot wait.
///
/// The futures of a manager may be dropped by the pool's time limits, as they may be by
/// deadpool's.
pub struct FromDeadpool<M: Manager> {
    keeper: Arc<Keeper<M>>,
}

impl<M: Manager> FromDeadpool<M> {
    /// Makes `manager` a backend, with none of deadpool's hooks.
    pub fn new(manager: M) -> Self {
        Self { keeper: Arc::new(Keeper::new(manager)) }
    }

    /// Says what the manager's errors mean, so that an outage is waited out and a wrong
    /// password is not tried again and again.
    ///
    /// Default: [`Fault::Other`] for every error of `create`. That is what
    /// deadpool's own pool makes of it, whose callers are told at once; and an error
    /// nobody knows may be a refused login, which waiting callers must not repeat until
    /// the account is locked. An error of `recycle` ends the session whatever it means,
    /// and counts as [`Fault::SessionLost`] unless it is said to be worse.
    #[must_use]
    pub fn classify(mut self, classify: fn(&M::Error) -> Fault) -> Self {
        self.keeper_mut().classify = classify;
        self
    }

    /// Adds a hook of deadpool's that is called when an object was created, after the hooks added
    /// before. If it fails, so does the opening.
    #[must_use]
    pub fn post_create(mut self, hook: Hook<M>) -> Self {
        self.keeper_mut().post_create.push(Arc::new(hook));
        self
    }

    /// Adds a hook that is called before an object is recycled, after the hooks added
    /// before. If it fails, the session is ended.
    ///
    /// This is where to put back what the manager does not:
    ///
    /// ```
    /// use deadpool_sqlite::{Config, Hook, HookError, Manager, Runtime};
    /// use sessionpool_deadpool::FromDeadpool;
    ///
    /// let manager = Manager::from_config(&Config::new("app.db"), Runtime::Tokio1);
    /// let backend = FromDeadpool::new(manager).pre_recycle(Hook::async_fn(|session, _| {
    ///     Box::pin(async {
    ///         let rolled_back = session.interact(|it| match it.is_autocommit() {
    ///             true => Ok(()),
    ///             false => it.execute_batch("ROLLBACK"),
    ///         });
    ///         rolled_back
    ///             .await
    ///             .map_err(|error| HookError::message(error.to_string()))?
    ///             .map_err(HookError::Backend)
    ///     })
    /// }));
    /// # drop(backend);
    /// ```
    #[must_use]
    pub fn pre_recycle(mut self, hook: Hook<M>) -> Self {
        self.keeper_mut().pre_recycle.push(Arc::new(hook));
        self
    }

    /// Adds a hook that is called when an object was recycled, after the hooks added
    /// before. If it fails, the session is ended.
    #[must_use]
    pub fn post_recycle(mut self, hook: Hook<M>) -> Self {
        self.keeper_mut().post_recycle.push(Arc::new(hook));
        self
    }

    /// The manager.
    #[must_use]
    pub fn manager(&self) -> &M {
        &self.keeper.manager
    }

    /// The keeper for a setter: one of its own, where sessions have it already.
    fn keeper_mut(&mut self) -> &mut Keeper<M> {
        Arc::make_mut(&mut self.keeper)
    }
}

impl<M> Backend for FromDeadpool<M>
where
    M: Manager<Error: std::error::Error + Sync> + 'static,
{
    type Session = DeadpoolSession<M>;

    /// Has the manager create an object, and the `post_create` hooks look at it.
    ///
    /// # Errors
    ///
    /// [`DeadpoolError::Create`] and [`DeadpoolError::CreateRefused`]. An object that a
    /// hook refused is detached and dropped.
    ///
    /// # Cancel safety
    ///
    /// As good as that of the manager's `create`; an object that was created is detached
    /// and dropped.
    async fn open(&self) -> Result<DeadpoolSession<M>, DeadpoolError<M::Error>> {
        DeadpoolSession::open(Arc::clone(&self.keeper)).await
    }

    /// Recycles the object once more: the one way a manager has of asking it whether it
    /// still answers, and what deadpool's own pool does to every object it lends.
    ///
    /// Nothing is counted, and a session in use stays what it was, so that a check leaves
    /// no trace in [`Metrics`](deadpool::managed::Metrics) either.
    ///
    /// # Errors
    ///
    /// As for the session's `release`.
    ///
    /// # Cancel safety
    ///
    /// The session is `Broken`.
    async fn check(&self, session: &mut DeadpoolSession<M>) -> Result<(), DeadpoolError<M::Error>> {
        session.check().await
    }
}

/// deadpool has nothing but a drop to end an object.
impl<M> EndsByItself for FromDeadpool<M> where M: Manager<Error: std::error::Error + Sync> + 'static {}

impl<M: Manager> Clone for FromDeadpool<M> {
    fn clone(&self) -> Self {
        Self { keeper: Arc::clone(&self.keeper) }
    }
}

impl<M: Manager> fmt::Debug for FromDeadpool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The manager is left out: it may hold credentials.
        f.debug_struct("FromDeadpool").finish_non_exhaustive()
    }
}
