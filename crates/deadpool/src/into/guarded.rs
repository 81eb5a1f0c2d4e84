use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sessionpool_core::Session;

use super::closer::Closer;
use super::ward::Ward;

/// A session in deadpool's hands, which knows nothing but to drop it: dropped, it is
/// closed in the background, for at most
/// [`close_timeout`](crate::IntoDeadpool::close_timeout), or aborted where no runtime is
/// left for that.
///
/// It dereferences to the session.
pub struct Guarded<S: Session> {
    /// `None` only in the drop.
    ward: Option<Ward<S>>,
    closer: Arc<Closer<S>>,
}

const HAS_WARD: &str = "a session is guarded until it is dropped";

impl<S: Session> Guarded<S> {
    pub(super) fn new(ward: Ward<S>, closer: &Arc<Closer<S>>) -> Self {
        Self { ward: Some(ward), closer: Arc::clone(closer) }
    }

    /// The session, to be ended by the caller, who is told how that went.
    ///
    /// ```
    /// # use deadpool::managed::Object;
    /// # use sessionpool_core::{EndsByItself, Session, SessionError};
    /// # use sessionpool_deadpool::{Guarded, IntoDeadpool};
    /// # async fn end<B: EndsByItself>(
    /// #     object: Object<IntoDeadpool<B>>,
    /// # ) -> Result<(), SessionError<B>> {
    /// let session = Guarded::into_session(Object::take(object));
    /// Session::close(session).await
    /// # }
    /// ```
    #[must_use = "a session has to be ended"]
    #[expect(clippy::missing_panics_doc, reason = "a session is guarded until it is dropped")]
    pub fn into_session(mut this: Self) -> S {
        this.ward.take().expect(HAS_WARD).into_session()
    }
}

impl<S: Session> Deref for Guarded<S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.ward.as_ref().expect(HAS_WARD).session()
    }
}

impl<S: Session> DerefMut for Guarded<S> {
    fn deref_mut(&mut self) -> &mut S {
        self.ward.as_mut().expect(HAS_WARD).session_mut()
    }
}

impl<S: Session> Drop for Guarded<S> {
    fn drop(&mut self) {
        if let Some(ward) = self.ward.take() {
            self.closer.end(ward);
        }
    }
}

impl<S: Session> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The session is left out: it may hold credentials.
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}
