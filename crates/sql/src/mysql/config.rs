use crate::required::Required;
use crate::reset::Reset;

/// What all sessions of a backend have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) reset: Reset,
    /// The node is meant to be read only.
    pub(super) replica: bool,
    /// A lock that was not granted in time is a conflict.
    pub(super) lock_timeout_is_conflict: bool,
    pub(super) required: Required,
}
