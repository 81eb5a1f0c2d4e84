use std::fmt;

use super::{AnyError, AnySession};
use crate::{Backend, Bounds, EndsByItself, Fault, Recall};

/// Makes a backend one whose sessions' type is forgotten, so that pools over unlike
/// backends are all a [`Pool<AnySession>`](crate::Pool).
#[derive(Clone)]
pub struct Erase<B> {
    backend: B,
}

impl<B: Backend> Erase<B> {
    /// Forgets the type of `backend`'s sessions.
    #[must_use]
    pub const fn new(backend: B) -> Self {
        Self { backend }
    }

    /// The backend.
    pub const fn backend(&self) -> &B {
        &self.backend
    }
}

impl<B: Backend> Backend for Erase<B> {
    type Session = AnySession;

    async fn open(&self) -> Result<AnySession, AnyError> {
        self.backend.open().await.map(AnySession::new).map_err(AnyError::of::<B::Session>)
    }

    async fn check(&self, session: &mut AnySession) -> Result<(), AnyError> {
        match session.downcast_mut::<B::Session>() {
            Some(session) => self.backend.check(session).await.map_err(AnyError::of::<B::Session>),
            None => Err(AnyError::new(Fault::Other, NotOfThisBackend)),
        }
    }

    fn bounds(&self) -> Bounds {
        self.backend.bounds()
    }

    fn attach(&self, recall: Recall) {
        self.backend.attach(recall);
    }
}

impl<B: EndsByItself> EndsByItself for Erase<B> {}

impl<B> fmt::Debug for Erase<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The backend is left out: it may hold credentials.
        f.debug_struct("Erase").finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the session to check is none of this backend's")]
struct NotOfThisBackend;
