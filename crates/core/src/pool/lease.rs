//! A borrowed session.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::parcel::Parcel;
use super::places::PlaceId;
use super::shared::Shared;
use crate::call::{self, CallFailure};
use crate::error::CallError;
use crate::event::Ending;
use crate::sync::Arc;
use crate::{Condition, Extensions, ReleaseError, Session};

/// A session borrowed from a [`Pool`](crate::Pool), by value and without a
/// lifetime: it can be moved into tasks and structs.
///
/// It dereferences to the session, and has none of the session's lifecycle verbs: to
/// give it back, drop or [`release`](Self::release) it; to have its session ended,
/// [`discard`](Self::discard) it; for transactions, see
/// [`Pool::transaction`](crate::Pool::transaction). Dropping it gives the session back, wherever
/// and however that happens: on another thread, while unwinding, after the runtime
/// is gone. A drop does not block and does not spawn: a session that says it is
/// clean goes to the next waiter at once, any other (and any at all that is dropped
/// by a panic) is cleaned or ended in the background, and its place stays taken until
/// that is done.
#[must_use = "a lease gives its session back when it is dropped"]
pub struct Lease<S: Session> {
    /// `None` only after it was given up, when only the drop is left.
    parcel: Option<Parcel<S>>,
    place: PlaceId,
    shared: Arc<Shared<S>>,
}

const HAS_SESSION: &str = "a lease has its session until it is dropped";

impl<S: Session> Lease<S> {
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared<S>>, place: PlaceId, parcel: Parcel<S>) -> Self {
        Self { parcel: Some(parcel), place, shared: Arc::clone(shared) }
    }

    pub(crate) fn lifecycle_timeout(&self) -> Duration {
        self.shared.settings.lifecycle_timeout
    }

    /// The session, until it is given up.
    pub(crate) fn session(&self) -> Option<&S> {
        self.parcel.as_ref().map(|parcel| &parcel.session)
    }

    pub(crate) fn condition(&self) -> Condition {
        call::condition(&**self)
    }

    /// Gives the session back once it is fit for the next borrower, and tells if
    /// it could not be made so.
    ///
    /// A clean session goes back without a round trip. Otherwise this awaits the
    /// cleaning, for at most
    /// [`release_timeout`](crate::PoolBuilder::release_timeout).
    ///
    /// # Errors
    ///
    /// The session could not be cleaned; it is ended in the background. Nothing
    /// is left to do.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is dropping the lease: cleaning starts anew in the
    /// background.
    pub async fn release(mut self) -> Result<(), ReleaseError> {
        match self.condition() {
            Condition::Clean => Ok(()),
            Condition::Broken(fault) => Err(ReleaseError::Broken { fault }),
            Condition::Dirty | Condition::Busy => self.clean().await,
        }
    }

    async fn clean(&mut self) -> Result<(), ReleaseError> {
        let limit = self.shared.settings.release_timeout;
        let answer = call::clean(&mut **self, limit).await;
        if answer.is_err() {
            self.give_up(Ending::Unclean);
        }
        answer.map_err(|failure| match failure {
            CallFailure::Silent(CallError::TimedOut { limit, .. }) => {
                ReleaseError::TimedOut { limit }
            }
            failure => ReleaseError::Failed { cause: failure.into_cause() },
        })
    }

    /// Has the session ended in the background, whatever it says of itself: its
    /// holder knows better.
    pub fn discard(mut self) {
        self.give_up(Ending::Discarded);
    }

    /// Takes the session out of the pool, for good: its place is free, and ending it
    /// is the caller's business from now on.
    ///
    /// # Panics
    ///
    /// Never: a lease has its session until it is dropped.
    #[must_use = "a session that is merely dropped is not ended as its kind demands"]
    pub fn detach(mut self) -> S {
        let condition = self.condition();
        let parcel = self.parcel.take().expect(HAS_SESSION);
        self.shared.detach(self.place, condition);
        parcel.session
    }

    /// The session's number: the first that its pool opened is 1.
    #[must_use]
    pub fn id(this: &Self) -> u64 {
        this.shared.number(this.place)
    }

    /// How long ago the session was opened.
    #[must_use]
    pub fn age(this: &Self) -> Duration {
        this.shared.age(this.place)
    }

    /// What the application keeps with the session, from lease to lease.
    ///
    /// # Panics
    ///
    /// Never: a lease has its session until it is dropped.
    #[must_use]
    pub fn extensions(this: &mut Self) -> &mut Extensions {
        this.parcel.as_mut().expect(HAS_SESSION).extensions()
    }

    pub(crate) fn give_up_unclean(&mut self) {
        self.give_up(Ending::Unclean);
    }

    fn give_up(&mut self, ending: Ending) {
        if let Some(parcel) = self.parcel.take() {
            self.shared.give_up(self.place, parcel, ending);
        }
    }
}

impl<S: Session> Deref for Lease<S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.parcel.as_ref().expect(HAS_SESSION).session
    }
}

impl<S: Session> DerefMut for Lease<S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.parcel.as_mut().expect(HAS_SESSION).session
    }
}

impl<S: Session> Drop for Lease<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(parcel) = self.parcel.take() {
            self.shared.take_back(self.place, parcel);
        }
    }
}

impl<S: Session> fmt::Debug for Lease<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The session is left out: it may hold credentials.
        f.debug_struct("Lease").field("place", &self.place).finish_non_exhaustive()
    }
}
