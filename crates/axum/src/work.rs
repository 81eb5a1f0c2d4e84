use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

use axum::BoxError;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use sessionpool_core::{Transactional, Tx, TxError, Unit};

use crate::slot::Slot;
use crate::{Problem, WorkError, background};

/// The request's unit of work, as an extractor: what FastAPI's `Depends(get_session)` is
/// to Python.
///
/// All extractors of one request share one unit, be they in the handler, in extractors
/// of yours or in middleware: an extractor that finds out who is calling sees what the
/// handler will see. Nothing is taken before the first [`session`](Self::session), so a
/// request that fails validation takes none. [`UnitLayer`](crate::UnitLayer) ends it.
///
/// ```
/// # use sessionpool_testkit::ScriptedSession as PgSession;
/// use axum::http::StatusCode;
/// use sessionpool_axum::{Problem, Work};
///
/// async fn rename(mut work: Work<PgSession>) -> Result<StatusCode, Problem> {
///     let mut session = work.session().await?; // takes a session and begins
///     session.write("a row").await.map_err(Problem::of::<PgSession>)?;
///     Ok(StatusCode::NO_CONTENT) // committed before this is sent
/// }
/// ```
///
/// It is for the handler alone. One that is still there when the handler has answered
/// (moved into a task, or into the body without
/// [`keep_for_body`](Self::keep_for_body)) is an error that is seen: the unit is rolled
/// back, the answer becomes a 500, the log says which route it was and where it was used
/// last, and further use of it fails with [`WorkError::Ended`]. If it is in use that very
/// moment, the user finishes what he is at, a commit too, and the 500 says that the
/// outcome is unknown.
#[must_use = "a unit does nothing until its session is used"]
pub struct Work<S: Transactional> {
    slot: Arc<Slot<S>>,
}

/// What a request carries with it. The layer puts it there.
pub(crate) struct Carried<S: Transactional>(pub(crate) Arc<Slot<S>>);

impl<S: Transactional> Clone for Carried<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Transactional> Work<S> {
    /// A handle to a slot that has its unit.
    pub(crate) fn enter(slot: &Arc<Slot<S>>) -> Self {
        slot.enter(None, None);
        Self { slot: Arc::clone(slot) }
    }

    /// The unit's session, taken and begun if that has yet to happen.
    ///
    /// Nobody else in the request has it until what is answered here is dropped.
    ///
    /// # Errors
    ///
    /// [`WorkError::Tx`] as for [`Unit::session`](Unit::session);
    /// [`WorkError::InUse`] while somebody else in the request has it, rather than
    /// waiting for what may be the caller himself; [`WorkError::Ended`] after the request.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a session taken meanwhile goes back.
    #[track_caller]
    pub fn session(
        &mut self,
    ) -> impl Future<Output = Result<WorkSession<'_, S>, WorkError>> + Send {
        let site = Location::caller();
        async move {
            let mut session = self.used(site)?;
            session.unit_mut().begin_at(site).await?;
            Ok(session)
        }
    }

    /// Makes what was done so far permanent, now and whatever the response will be. The
    /// next use of the unit begins anew.
    ///
    /// # Errors
    ///
    /// As for [`Unit::commit`](Unit::commit). Answer with the error, or
    /// [`rollback`](Self::rollback) to acknowledge it: a response that would commit is
    /// replaced by it, unless the unit has been used again since.
    ///
    /// # Cancel safety
    ///
    /// As for [`Unit::commit`](Unit::commit).
    #[track_caller]
    pub fn commit(&mut self) -> impl Future<Output = Result<(), WorkError>> + Send {
        let site = Location::caller();
        async move { Ok(self.used(site)?.unit_mut().commit().await?) }
    }

    /// Undoes what was done since the last commit, whatever the response will be. The
    /// next use of the unit begins anew.
    ///
    /// # Errors
    ///
    /// As for [`Unit::rollback`](Unit::rollback).
    ///
    /// # Cancel safety
    ///
    /// As for [`Unit::rollback`](Unit::rollback).
    #[track_caller]
    pub fn rollback(&mut self) -> impl Future<Output = Result<(), WorkError>> + Send {
        let site = Location::caller();
        async move { Ok(self.used(site)?.unit_mut().rollback().await?) }
    }

    /// Has `work` done in the background after the unit's next commit, and only if that
    /// is known to have happened.
    ///
    /// It gets a unit of its own, of the same kind as the request's (same tenant, same
    /// class), which is committed when it answers `Ok` and rolled back when it answers
    /// `Err`, which is logged. The response does not wait for it, unless as many as
    /// [`Background`](crate::Background) allows are running already. It is neither durable
    /// nor tried again: what must not be lost belongs into a table, written by the unit
    /// itself.
    ///
    /// ```
    /// # use sessionpool_testkit::{ScriptedError, ScriptedSession as PgSession};
    /// # use sessionpool_axum::{Problem, Work};
    /// # async fn handler(mut work: Work<PgSession>) -> Result<(), Problem> {
    /// work.after_commit(|mut work| async move {
    ///     work.session().await?.write("somebody signed up").await?;
    ///     Ok::<_, axum::BoxError>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`WorkError::InUse`] and [`WorkError::Ended`].
    #[track_caller]
    pub fn after_commit<F, W, E>(&mut self, work: F) -> Result<(), WorkError>
    where
        F: FnOnce(Self) -> W + Send + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let site = Location::caller();
        let mut used = self.used(site)?;
        let (config, background) = (self.slot.config(), self.slot.background());
        let (config, background) = (Arc::clone(config), background.clone());
        let options = used.unit_mut().options().clone();
        used.unit_mut().on_commit(async move {
            let unit = config.pool.unit_in(options);
            let slot = Slot::of(&config, background.clone(), unit);
            background.run(background::job(slot, work, site)).await;
        });
        Ok(())
    }

    /// Lets the unit live as long as the response's body, for a body that reads from it.
    ///
    /// Then the head is sent *before* the commit, and the client has its 200 already:
    /// when the body has come to its end well, the unit is committed, and only then the
    /// client told that this was the end; when the commit fails, the body breaks off.
    /// When the body fails, when the client goes away, and when it takes longer than
    /// [`body_limit`](crate::UnitLayer::body_limit), the unit is rolled back. The rule
    /// is asked as ever; where it says so, the unit is rolled back at the end.
    ///
    /// The response is sent without `Content-Length`, since its end is news, and trailers
    /// after the commit. An answer without a body, and one to `HEAD`, is an answer like
    /// any other: the unit is ended before it. Over HTTP/1.0, where a body that breaks off
    /// looks like one that is over, what would commit is refused with 505.
    pub fn keep_for_body(&mut self) {
        self.slot.keep();
    }

    fn used(&self, site: &'static Location<'static>) -> Result<WorkSession<'_, S>, WorkError> {
        let unit = self.slot.take(site)?;
        Ok(WorkSession { slot: &self.slot, unit: Some(unit) })
    }
}

impl<S: Transactional> Drop for Work<S> {
    fn drop(&mut self) {
        self.slot.exit();
    }
}

impl<S: Transactional> fmt::Debug for Work<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("session", &type_name::<S>()).finish_non_exhaustive()
    }
}

impl<S: Transactional, T: Sync> FromRequestParts<T> for Work<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        let Some(Carried(slot)) = parts.extensions.get::<Carried<S>>() else {
            return Err(Problem::missing::<S>("UnitLayer"));
        };
        let unit = match slot.is_empty() {
            true => Some(slot.config().unit(parts)?),
            false => None,
        };
        slot.enter(unit, parts.extensions.get::<MatchedPath>().cloned());
        Ok(Self { slot: Arc::clone(slot) })
    }
}

/// The session of a request's unit, from [`Work::session`]. It dereferences to the
/// session: where a `&mut S` is wanted, write `&mut *session`.
#[must_use = "dropping it lets others in the request have it"]
pub struct WorkSession<'w, S: Transactional> {
    slot: &'w Slot<S>,
    /// `None` only in the drop.
    unit: Option<Unit<S>>,
}

const HAS_UNIT: &str = "it has the unit until it is dropped";
const HAS_BEGUN: &str = "it was begun before it was handed out";

impl<S: Transactional> WorkSession<'_, S> {
    /// Runs `work` inside a savepoint: keeps what it did on `Ok`, undoes it on `Err`, and
    /// goes on with the unit either way.
    ///
    /// # Errors
    ///
    /// As for [`Tx::savepoint`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Tx::savepoint`].
    pub async fn savepoint<R, E>(
        &mut self,
        work: impl AsyncFnOnce(&mut Tx<S>) -> Result<R, E>,
    ) -> Result<R, E>
    where
        E: From<TxError>,
    {
        self.tx_mut().savepoint(work).await
    }

    fn unit_mut(&mut self) -> &mut Unit<S> {
        self.unit.as_mut().expect(HAS_UNIT)
    }

    fn tx_mut(&mut self) -> &mut Tx<S> {
        self.unit_mut().tx_mut().expect(HAS_BEGUN)
    }
}

impl<S: Transactional> Deref for WorkSession<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.unit.as_ref().expect(HAS_UNIT).tx().expect(HAS_BEGUN)
    }
}

impl<S: Transactional> DerefMut for WorkSession<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        self.tx_mut()
    }
}

impl<S: Transactional> Drop for WorkSession<'_, S> {
    fn drop(&mut self) {
        if let Some(unit) = self.unit.take() {
            self.slot.put(unit);
        }
    }
}

impl<S: Transactional> fmt::Debug for WorkSession<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkSession").field("session", &type_name::<S>()).finish_non_exhaustive()
    }
}
