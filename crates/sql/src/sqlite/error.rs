use std::io;

use sessionpool_core::Fault;
use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

use crate::failure::SqlFailure;

/// What an error means: [`classify`](sessionpool_core::Session::classify).
pub(super) fn fault(error: &Error) -> Fault {
    if let Some(own) = SqlFailure::of(error) {
        return own.fault();
    }
    match error {
        Error::Configuration(_) => Fault::Rejected,
        Error::Io(_) | Error::WorkerCrashed => Fault::SessionLost,
        _ => result_code(error).map_or(Fault::Other, of_code),
    }
}

/// <https://www.sqlite.org/rescode.html>
const fn of_code(code: u32) -> Fault {
    match code {
        BUSY | LOCKED | PROTOCOL => Fault::Conflict,
        // The pager is left in its error state, the transaction in doubt, and
        // the file handle may be what is broken: a fresh one costs little.
        IOERR => Fault::SessionLost,
        _ => Fault::Other,
    }
}

/// True if a commit that failed this way may have happened all the same.
///
/// With an input or output error nobody can tell what reached the disk, and
/// without a reply not even whether it was tried. Everything else SQLite finds
/// before the point of no return.
pub(super) fn leaves_commit_in_doubt(error: &Error) -> bool {
    SqlFailure::of(error).is_none() && result_code(error).is_none_or(is_in_doubt)
}

const fn is_in_doubt(code: u32) -> bool {
    code == IOERR
}

/// True if SQLite refused to end a transaction because none is open.
///
/// It has no code of its own for that, only these words.
pub(super) fn is_no_transaction(error: &Error) -> bool {
    sqlite(error).is_some_and(|error| error.message().ends_with("no transaction is active"))
}

/// True if another session's lock was in the way.
pub(super) fn is_locked(error: &Error) -> bool {
    fault(error) == Fault::Conflict
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
        _ => result_code(error).is_some_and(may_pass_with),
    }
}

const fn may_pass_with(code: u32) -> bool {
    matches!(code, BUSY | LOCKED | PROTOCOL | NOMEM | INTERRUPT | IOERR | FULL)
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

/// SQLite's primary result code; of another database's error, none. sqlx has the
/// extended one, in decimals.
fn result_code(error: &Error) -> Option<u32> {
    Some(primary(sqlite(error)?.code()?.parse().ok()?))
}

const fn primary(extended: u32) -> u32 {
    extended & 0xff
}

fn sqlite(error: &Error) -> Option<&SqliteError> {
    error.as_database_error()?.try_downcast_ref()
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnection;
    use sqlx::{Connection, Executor};

    use super::*;

    #[test]
    fn locks_are_conflicts_and_broken_disks_lose_the_session() {
        for code in [5, 6, 15, 261, 262, 517, 773] {
            assert_eq!(of_code(primary(code)), Fault::Conflict, "{code}");
        }
        for code in [10, 266, 778, 6410] {
            assert_eq!(of_code(primary(code)), Fault::SessionLost, "{code}");
        }
        for code in [1, 7, 8, 9, 11, 13, 14, 19, 787, 1555, 2067] {
            assert_eq!(of_code(primary(code)), Fault::Other, "{code}");
        }
        assert_eq!(fault(&Error::WorkerCrashed), Fault::SessionLost);
        assert_eq!(fault(&Error::RowNotFound), Fault::Other);
    }

    #[test]
    fn what_may_pass_while_opening_is_tried_again() {
        for code in [5, 6, 7, 10, 13, 261, 266] {
            assert!(may_pass_with(primary(code)), "{code}");
        }
        for code in [1, 3, 8, 11, 14, 23, 26, 270, 526] {
            assert!(!may_pass_with(primary(code)), "{code}");
        }
        let open = |source| fault(&of_open("x".to_owned(), source));
        assert_eq!(open(Error::WorkerCrashed), Fault::Transient);
        assert_eq!(open(io::Error::from(io::ErrorKind::WouldBlock).into()), Fault::Transient);
        assert_eq!(open(io::Error::from(io::ErrorKind::InvalidData).into()), Fault::Rejected);
    }

    #[test]
    fn a_commit_is_in_doubt_where_nobody_can_tell() {
        assert!(is_in_doubt(primary(778)));
        assert!(leaves_commit_in_doubt(&Error::WorkerCrashed));
        for code in [5, 13, 787] {
            assert!(!is_in_doubt(primary(code)), "{code}");
        }
        assert!(!leaves_commit_in_doubt(&SqlFailure::RolledBack.into()));
    }

    #[tokio::test]
    async fn sqlite_has_words_for_no_transaction() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for sql in ["commit", "rollback"] {
            assert!(is_no_transaction(&connection.execute(sql).await.unwrap_err()), "{sql}");
        }
        assert!(!is_no_transaction(&connection.execute("commmit").await.unwrap_err()));
        assert!(!is_no_transaction(&SqlFailure::NoTransaction.into()));
    }

    #[tokio::test]
    async fn codes_are_read_from_sqlites_own_errors() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        connection.execute("create table t (x integer primary key)").await.unwrap();
        let error = connection.execute("insert into t values (1), (1)").await.unwrap_err();
        assert_eq!(result_code(&error), Some(19));
        assert!(!leaves_commit_in_doubt(&error));
    }
}
