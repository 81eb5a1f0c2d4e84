use std::fmt;

/// The calls a [`Scripted`](crate::Scripted) backend can be told how to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// [`Backend::open`](sessionpool_core::Backend::open).
    Open,
    /// [`Backend::check`](sessionpool_core::Backend::check).
    Check,
    /// [`Session::release`](sessionpool_core::Session::release).
    Release,
    /// [`Session::close`](sessionpool_core::Session::close).
    Close,
    /// [`Session::abort`](sessionpool_core::Session::abort). It asks nobody, so
    /// only [`Act::panic`](crate::Act::panic) makes a difference to it.
    Abort,
    /// [`Transactional::begin`](sessionpool_core::Transactional::begin).
    Begin,
    /// [`Transactional::commit`](sessionpool_core::Transactional::commit).
    Commit,
    /// [`Transactional::rollback`](sessionpool_core::Transactional::rollback).
    Rollback,
    /// [`Transactional::savepoint`](sessionpool_core::Transactional::savepoint).
    Savepoint,
    /// [`Transactional::release_savepoint`](sessionpool_core::Transactional::release_savepoint).
    ReleaseSavepoint,
    /// [`Transactional::rollback_to`](sessionpool_core::Transactional::rollback_to).
    RollbackTo,
    /// [`ScriptedSession::write`](crate::ScriptedSession::write), the work of a
    /// borrower.
    Write,
}

impl Verb {
    /// True if the call begins by reading the rest of what was left unread.
    pub(super) const fn drains(self) -> bool {
        matches!(self, Self::Release | Self::Rollback)
    }

    /// True if only the pool makes the call, on a session nobody has borrowed.
    pub(super) const fn is_the_pools(self) -> bool {
        matches!(self, Self::Check | Self::Release | Self::Close | Self::Abort)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Check => "check",
            Self::Release => "release",
            Self::Close => "close",
            Self::Abort => "abort",
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Savepoint => "savepoint",
            Self::ReleaseSavepoint => "release of a savepoint",
            Self::RollbackTo => "rollback to a savepoint",
            Self::Write => "write",
        })
    }
}
