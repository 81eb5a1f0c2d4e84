use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::AnyError;
use crate::{Condition, Fault, Session};

/// A session of whatever backend; [`Erase`](crate::Erase) makes them.
///
/// It is ended, cleaned and lent like the session it is; to work with it, ask for that:
///
/// ```
/// # use sessionpool_testkit::{Scripted, ScriptedSession};
/// use sessionpool_core::{AnySession, Erase, Pool};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend = Scripted::new();
/// let pool: Pool<AnySession> = Pool::builder(Erase::new(backend)).build()?;
/// let mut lease = pool.acquire().await?;
/// if let Some(session) = lease.downcast_mut::<ScriptedSession>() {
///     session.write("a row").await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// It has no transactions, whatever the session it is can do.
pub struct AnySession(Box<dyn Erased>);

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Session`], object-safe.
trait Erased: Send {
    fn condition(&self) -> Condition;
    fn idle_limit(&self) -> Option<Duration>;
    fn release(&mut self) -> BoxFuture<'_, Result<(), AnyError>>;
    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), AnyError>>;
    fn abort(self: Box<Self>);
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    fn type_name(&self) -> &'static str;
}

impl<S: Session> Erased for S {
    fn condition(&self) -> Condition {
        Session::condition(self)
    }

    fn idle_limit(&self) -> Option<Duration> {
        Session::idle_limit(self)
    }

    fn release(&mut self) -> BoxFuture<'_, Result<(), AnyError>> {
        let release = S::release(self);
        Box::pin(async { release.await.map_err(AnyError::of::<S>) })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<(), AnyError>> {
        // Made here: the session's own future ends it when it is dropped unpolled.
        let close = S::close(*self);
        Box::pin(async { close.await.map_err(AnyError::of::<S>) })
    }

    fn abort(self: Box<Self>) {
        S::abort(*self);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<S>()
    }
}

impl AnySession {
    /// Forgets a session's type.
    #[must_use]
    pub fn new<S: Session>(session: S) -> Self {
        Self(Box::new(session))
    }

    /// The session, if it is of that type.
    #[must_use]
    pub fn downcast_ref<S: Session>(&self) -> Option<&S> {
        self.0.as_any().downcast_ref()
    }

    /// The session, if it is of that type.
    #[must_use]
    pub fn downcast_mut<S: Session>(&mut self) -> Option<&mut S> {
        self.0.as_any_mut().downcast_mut()
    }

    /// The session by value, for one taken out of its pool by
    /// [`Lease::detach`](crate::Lease::detach).
    ///
    /// # Errors
    ///
    /// It is of another type, and comes back.
    pub fn downcast<S: Session>(self) -> Result<S, Self> {
        if self.downcast_ref::<S>().is_none() {
            return Err(self);
        }
        match self.0.into_any().downcast::<S>() {
            Ok(session) => Ok(*session),
            Err(_) => unreachable!("it was of that type a line ago"),
        }
    }
}

impl Session for AnySession {
    type Error = AnyError;

    fn condition(&self) -> Condition {
        self.0.condition()
    }

    fn idle_limit(&self) -> Option<Duration> {
        self.0.idle_limit()
    }

    fn classify(error: &AnyError) -> Fault {
        error.fault()
    }

    async fn release(this: &mut Self) -> Result<(), AnyError> {
        this.0.release().await
    }

    fn close(this: Self) -> impl Future<Output = Result<(), AnyError>> + Send {
        this.0.close()
    }

    fn abort(this: Self) {
        this.0.abort();
    }
}

impl fmt::Debug for AnySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The session is left out: it may hold credentials.
        f.debug_tuple("AnySession").field(&self.0.type_name()).finish()
    }
}
