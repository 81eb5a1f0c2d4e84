use std::borrow::Cow;

use sessionpool_core::Fault;

/// Why a manager's object could not be made a session, or made fit for the next
/// borrower.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadpoolError<E: std::error::Error + 'static> {
    /// The manager's `create`, or a `post_create` hook, failed.
    #[error("the manager could not create an object")]
    #[non_exhaustive]
    Create {
        /// What [`FromDeadpool::classify`](crate::FromDeadpool::classify) says of it.
        fault: Fault,
        /// The manager's error.
        source: E,
    },

    /// A `post_create` hook did not let the object pass.
    #[error("the object was refused when it was created: {message}")]
    CreateRefused {
        /// What the hook said.
        message: Cow<'static, str>,
    },

    /// The manager's `recycle`, or a hook beside it, failed.
    #[error("the manager could not recycle the object")]
    #[non_exhaustive]
    Recycle {
        /// What [`FromDeadpool::classify`](crate::FromDeadpool::classify) says of it, if
        /// that ends sessions.
        fault: Fault,
        /// The manager's error.
        source: E,
    },

    /// The manager's `recycle`, or a hook beside it, did not let the object pass.
    #[error("the object was refused when it came back: {message}")]
    RecycleRefused {
        /// What the manager, or the hook, said.
        message: Cow<'static, str>,
    },

    /// The session was not recycled: an earlier recycling failed, or did not come to its
    /// end.
    #[error("the session is not to be used again: {fault}")]
    #[non_exhaustive]
    Spent {
        /// What ended it.
        fault: Fault,
    },
}

impl<E: std::error::Error + 'static> DeadpoolError<E> {
    /// What the error means for those who decide.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Create { fault, .. } | Self::Recycle { fault, .. } | Self::Spent { fault } => {
                *fault
            }
            Self::CreateRefused { .. } => Fault::Other,
            Self::RecycleRefused { .. } => Fault::SessionLost,
        }
    }
}
