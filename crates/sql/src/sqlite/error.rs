use std::io;

use sessionpool_core::Fault;
use sqlx::Error;
use sqlx::error::DatabaseError;

use crate::failure::SqlFailure;

/// What an error means: [`classify`](sessionpool_core::Session::classify).
pub(super) fn fault(error: &Error) -> Fault {
    if let Some(own) = SqlFailure::of(error) {
        return own.fault();
    }
    match error {
        Error::Configuration(_) => Fault::Rejected,
        Error::Io(_) | Error::WorkerCrashed => Fault::SessionLost,
        _ if is_locked(error) => Fault::Conflict,
        _ => match result_code(error) {
            // The pager is left in its error state, the transaction in doubt, and
            // the file handle may be what is broken: a fresh one costs little.
            Some(IOERR) => Fault::SessionLost,
            _ => Fault::Other,
        },
    }
}

/// True if a commit that failed this way may have happened all the same.
///
/// With an input or output error nobody can tell what reached the disk, and
/// without a reply not even whether it was tried. Everything else SQLite finds
/// before the point of no return.
pub(super) fn leaves_commit_in_doubt(error: &Error) -> bool {
    SqlFailure::of(error).is_none() && result_code(error).is_none_or(|code| code == IOERR)
}

/// True if SQLite refused to end a transaction because none is open.
///
/// It has no code of its own for that, only these words.
pub(super) fn is_no_transaction(error: &Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.message().ends_with("no transaction is active"))
}

/// True if another session's lock was in the way.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(result_code(error), Some(BUSY | LOCKED | PROTOCOL))
}

/// An opening that failed: transient if a lock or the machine was in the way, and
/// rejected otherwise.
pub(super) fn of_open(place: String, source: Error) -> Error {
    let fault = if may_pass(&source) { Fault::Transient } else { Fault::Rejected };
    SqlFailure::open("SQLite", place, fault, source)
}

/// A commit that was refused.
pub(super) fn of_commit(error: Error) -> Error {
    if is_no_transaction(&error) { SqlFailure::NoTransaction.into() } else { error }
}

/// True if opening may succeed a little later, with nothing changed.
fn may_pass(error: &Error) -> bool {
    match error {
        // What sqlx says of a path it cannot pass on.
        Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
        Error::WorkerCrashed => true,
        _ if is_locked(error) => true,
        _ => matches!(result_code(error), Some(NOMEM | INTERRUPT | IOERR | FULL)),
    }
}

// SQLite's primary result codes, as far as they decide something.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const NOMEM: u32 = 7;
const INTERRUPT: u32 = 9;
const IOERR: u32 = 10;
const FULL: u32 = 13;
/// The locking protocol of WAL was outrun by too many others, too often.
const PROTOCOL: u32 = 15;

/// SQLite's primary result code. sqlx has the extended one, in decimals.
fn result_code(error: &Error) -> Option<u32> {
    let extended: u32 = error.as_database_error().and_then(DatabaseError::code)?.parse().ok()?;
    Some(extended & 0xff)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::fmt;

    use sqlx::error::ErrorKind;

    use super::*;

    /// An error as the driver reports it, with this result code.
    #[derive(Debug)]
    struct Coded(u32);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    impl StdError for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            "cannot commit - no transaction is active"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn coded(code: u32) -> Error {
        Error::Database(Box::new(Coded(code)))
    }

    #[test]
    fn locks_are_conflicts_and_broken_disks_lose_the_session() {
        for code in [5, 6, 15, 261, 262, 517, 773] {
            assert_eq!(fault(&coded(code)), Fault::Conflict, "{code}");
        }
        for code in [10, 266, 778, 6410] {
            assert_eq!(fault(&coded(code)), Fault::SessionLost, "{code}");
        }
        for code in [1, 7, 8, 9, 11, 13, 14, 19, 787, 1555, 2067] {
            assert_eq!(fault(&coded(code)), Fault::Other, "{code}");
        }
        assert_eq!(fault(&Error::WorkerCrashed), Fault::SessionLost);
        assert_eq!(fault(&Error::RowNotFound), Fault::Other);
    }

    #[test]
    fn what_may_pass_while_opening_is_tried_again() {
        let open = |source| fault(&of_open("x".to_owned(), source));
        for code in [5, 6, 7, 10, 13, 261, 266] {
            assert_eq!(open(coded(code)), Fault::Transient, "{code}");
        }
        for code in [1, 3, 8, 11, 14, 23, 26, 270, 526] {
            assert_eq!(open(coded(code)), Fault::Rejected, "{code}");
        }
        assert_eq!(open(Error::WorkerCrashed), Fault::Transient);
        assert_eq!(open(io::Error::from(io::ErrorKind::WouldBlock).into()), Fault::Transient);
        assert_eq!(open(io::Error::from(io::ErrorKind::InvalidData).into()), Fault::Rejected);
    }

    #[test]
    fn a_commit_is_in_doubt_where_nobody_can_tell() {
        assert!(leaves_commit_in_doubt(&coded(778)));
        assert!(leaves_commit_in_doubt(&Error::WorkerCrashed));
        assert!(!leaves_commit_in_doubt(&coded(5)));
        assert!(!leaves_commit_in_doubt(&coded(13)));
        assert!(!leaves_commit_in_doubt(&coded(787)));
        assert!(!leaves_commit_in_doubt(&SqlFailure::RolledBack.into()));
    }

    #[test]
    fn sqlite_has_words_for_no_transaction() {
        assert!(is_no_transaction(&coded(1)));
        assert!(!is_no_transaction(&SqlFailure::NoTransaction.into()));
    }
}
