//! The backend as the pool sees it: its type forgotten, its session's kept.

use async_trait::async_trait;

use crate::{Backend, Recall, Session};

/// [`Backend`], object-safe and generic over the session alone.
///
/// Never implement `Backend` for `Box<dyn Opener<_>>` itself: together with the
/// blanket impl below that compiles without a warning and calls itself until the
/// stack overflows.
#[async_trait]
pub(crate) trait Opener<S: Session>: Send + Sync {
    async fn open_session(&self) -> Result<S, S::Error>;
    async fn check_session(&self, session: &mut S) -> Result<(), S::Error>;
    fn attach_pool(&self, recall: Recall);
}

#[async_trait]
impl<B: Backend> Opener<B::Session> for B {
    async fn open_session(&self) -> Result<B::Session, <B::Session as Session>::Error> {
        self.open().await
    }

    async fn check_session(
        &self,
        session: &mut B::Session,
    ) -> Result<(), <B::Session as Session>::Error> {
        self.check(session).await
    }

    fn attach_pool(&self, recall: Recall) {
        self.attach(recall);
    }
}
