use sessionpool_core::Fault;

use super::Verb;

/// The failure a [`Scripted`](crate::Scripted) backend was told to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scripted {verb} failed: {fault}")]
#[non_exhaustive]
pub struct ScriptedError {
    /// The call that failed.
    pub verb: Verb,
    /// What [`Session::classify`](sessionpool_core::Session::classify) says of it.
    pub fault: Fault,
}

impl ScriptedError {
    /// A failure of `verb`, to be compared with.
    #[must_use]
    pub const fn new(verb: Verb, fault: Fault) -> Self {
        Self { verb, fault }
    }
}
