//! What the application has done with each session, once after it was opened and once
//! before it is closed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::Session;

/// What a hook answers; `Box::pin(async move { … })` makes one.
pub type HookFuture<'s, S> =
    Pin<Box<dyn Future<Output = Result<(), <S as Session>::Error>> + Send + 's>>;

type Hook<S> = Box<dyn for<'s> Fn(&'s mut S) -> HookFuture<'s, S> + Send + Sync>;

pub(crate) struct Hooks<S: Session> {
    pub(crate) after_open: Option<Hook<S>>,
    pub(crate) before_close: Option<Hook<S>>,
}

impl<S: Session> Hooks<S> {
    pub(crate) const fn none() -> Self {
        Self { after_open: None, before_close: None }
    }
}

impl<S: Session> fmt::Debug for Hooks<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("after_open", &self.after_open.is_some())
            .field("before_close", &self.before_close.is_some())
            .finish()
    }
}
