use std::error::Error as StdError;
use std::fmt;

use crate::{Fault, Session, call};

/// The error of an [`AnySession`](crate::AnySession): that of the session it is, and what
/// that said it means.
///
/// It shows itself as the error it is, whose source is its own.
pub struct AnyError {
    fault: Fault,
    error: Box<dyn StdError + Send + Sync>,
}

impl AnyError {
    /// Forgets the type of a session's error, once that has said what it means.
    #[must_use]
    pub fn of<S: Session>(error: S::Error) -> Self {
        Self::new(call::classify::<S>(&error), error)
    }

    pub(super) fn new(fault: Fault, error: impl StdError + Send + Sync + 'static) -> Self {
        Self { fault, error: Box::new(error) }
    }

    /// What it means.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// The error, if it is of that type.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.error.downcast_ref()
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl StdError for AnyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
