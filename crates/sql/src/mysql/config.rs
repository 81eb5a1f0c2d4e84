use std::borrow::Cow;

use crate::reset::Reset;

/// What all sessions of a backend have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) reset: Reset,
    /// The node is meant to be read only.
    pub(super) replica: bool,
    /// A lock that was not granted in time is a conflict.
    pub(super) lock_timeout_is_conflict: bool,
    /// Settings without which no unit begins.
    pub(super) required: Vec<Cow<'static, str>>,
}
