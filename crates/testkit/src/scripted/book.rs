use std::collections::BTreeMap;

use super::Verb;

/// What a [`Scripted`](crate::Scripted) backend knows of its sessions at one
/// instant.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Book {
    /// Opens that succeeded.
    pub opened: usize,
    /// Opens under way.
    pub opening: usize,
    /// Sessions at the remote end, from the start of their `open` until ended:
    /// those being opened and closed count.
    pub live: usize,
    /// The most there ever were of [`live`](Self::live).
    pub peak: usize,
    /// Sessions ended by a `close` that came to its end, successful or not.
    pub closed: usize,
    /// Sessions ended by `abort`, or by dropping the future of `close`.
    pub aborted: usize,
    /// Sessions dropped without being ended: each is a violation.
    pub dropped: usize,
    /// Opens begun, however they ended.
    pub open_calls: usize,
    /// Sessions somebody [holds](crate::ScriptedSession::hold).
    pub held: usize,
    /// The rules that were broken, in the order it happened.
    pub violations: Vec<String>,
    pub(super) calls: BTreeMap<Verb, usize>,
}

impl Book {
    /// How often `verb` was called; a call counts from its first poll.
    #[must_use]
    pub fn calls(&self, verb: Verb) -> usize {
        self.calls.get(&verb).copied().unwrap_or_default()
    }

    /// Sessions ended in any way.
    #[must_use]
    pub const fn ended(&self) -> usize {
        self.closed + self.aborted + self.dropped
    }
}
