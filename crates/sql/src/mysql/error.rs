use std::io;

use sessionpool_core::Fault;
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use crate::failure::{FirstError, SqlFailure, is_refused_by_tls};

/// A lock was not granted in time. Only the statement is undone, unless the server was
/// told otherwise.
pub(super) const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// A savepoint that is not there.
pub(super) const NO_SAVEPOINT: u16 = 1305;

/// The statement was killed.
pub(super) const INTERRUPTED: u16 = 1317;

/// A write where only reading is allowed, by the server's options or its role.
pub(super) const OPTION_PREVENTS: u16 = 1290;

/// … and by its role alone.
pub(super) const READ_ONLY: u16 = 1836;

/// What a program of the user's raised, with whatever state: `SIGNAL`, and a `RESIGNAL` of
/// nothing.
const SIGNALLED: [u16; 2] = [1644, 1645];

/// What an error means: [`classify`](sessionpool_core::Session::classify).
pub(super) fn fault(error: &Error) -> Fault {
    if let Some(own) = SqlFailure::of(error) {
        return own.fault();
    }
    match error {
        Error::Configuration(_) | Error::Tls(_) => Fault::Rejected,
        Error::Io(_) => Fault::BackendLost,
        // Nobody knows what the next bytes belong to.
        Error::Protocol(_) => Fault::SessionLost,
        Error::Database(_) => number(error).map_or(Fault::Other, |number| of_number(number, error)),
        _ => Fault::Other,
    }
}

/// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>,
/// <https://mariadb.com/kb/en/mariadb-error-codes/>
fn of_number(number: u16, error: &Error) -> Fault {
    match number {
        // A deadlock, also while XA is prepared; a row changed since the snapshot
        // (MariaDB); another node of the group was first.
        1213 | 1614 | 1020 | 3101 => Fault::Conflict,
        // Too many connections: at all, of this user, in this hour.
        1040 | 1203 | 1226 => Fault::Busy { retry_after: None },
        // No access, no database, a host that may not connect, a password that has
        // expired, a plugin that is not there.
        1044 | 1045 | 1049 | 1129 | 1130 | 1251 | 1524 | 1698 | 1820 | 1862 => Fault::Rejected,
        // A shutdown, a broken line, a session that was killed.
        1053 | 1077..=1079 | 1152 | 1158..=1161 | 1184 | 1927 | 3169 => Fault::BackendLost,
        // A session that was idle too long.
        4031 => Fault::SessionLost,
        // A node that is no primary any more.
        READ_ONLY => Fault::BackendLost,
        OPTION_PREVENTS if is_read_only(error) => Fault::BackendLost,
        _ if SIGNALLED.contains(&number) => Fault::Other,
        _ if sql_state(error).is_some_and(|state| state.starts_with("08")) => Fault::BackendLost,
        _ => Fault::Other,
    }
}

/// The number stands for many options; the message names them.
fn is_read_only(error: &Error) -> bool {
    let words = error.as_database_error().map(|error| error.message().to_ascii_lowercase());
    words.is_some_and(|words| words.contains("read-only") || words.contains("read_only"))
}

/// An opening that failed, and whether to try again.
pub(super) fn of_open(place: String, source: Error) -> Error {
    SqlFailure::open("MySQL", place, fault_of_open(&source), source)
}

fn fault_of_open(error: &Error) -> Fault {
    if is_refused_by_tls(error) {
        return Fault::Rejected;
    }
    match (fault(error), error) {
        (_, Error::Io(_)) | (Fault::BackendLost | Fault::SessionLost, _) => Fault::Transient,
        (busy @ Fault::Busy { .. }, _) => busy,
        _ => Fault::Rejected,
    }
}

/// True if a statement failed on a session that goes on.
pub(super) fn is_of_statement(error: &Error) -> bool {
    matches!(error, Error::Database(_)) && !fault(error).ends_session()
}

/// True if a commit that was answered so may have happened all the same: an error in
/// the middle of it (1180), a log that could not be written (1598), or no answer.
pub(super) fn leaves_commit_in_doubt(error: &Error) -> bool {
    matches!(number(error), None | Some(1180 | 1598)) || !is_of_statement(error)
}

/// Some errors undo the whole transaction. What is sent later would then be committed
/// statement by statement.
pub(super) fn aborts(error: &Error, undoes_on_lock_timeout: bool) -> Option<FirstError> {
    let number = number(error)?;
    let undone = matches!(number, 1213 | 1614 | 1206 | 1020 | 3101)
        || (number == LOCK_WAIT_TIMEOUT && undoes_on_lock_timeout);
    let message = error.as_database_error()?.message().to_owned();
    undone.then(|| FirstError { code: number.to_string(), message })
}

/// True if the server does not know a prepared statement by its number, or wants it
/// prepared again.
pub(super) fn is_stale(error: &Error) -> bool {
    matches!(number(error), Some(1243 | 1615))
}

/// An error in words of our own, as of a line that broke.
pub(super) fn lost(words: &str) -> Error {
    Error::Io(io::Error::other(words.to_owned()))
}

pub(super) fn number(error: &Error) -> Option<u16> {
    mysql(error).map(MySqlDatabaseError::number)
}

fn sql_state(error: &Error) -> Option<&str> {
    mysql(error)?.code()
}

fn mysql(error: &Error) -> Option<&MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_meaning() {
        let of = |number| of_number(number, &Error::RowNotFound);
        for (number, fault) in [
            (1213, Fault::Conflict),
            (1020, Fault::Conflict),
            (1205, Fault::Other),
            (1062, Fault::Other),
            (1317, Fault::Other),
            (1792, Fault::Other),
            (1290, Fault::Other),
            (1969, Fault::Other),
            (1040, Fault::Busy { retry_after: None }),
            (1203, Fault::Busy { retry_after: None }),
            (1044, Fault::Rejected),
            (1045, Fault::Rejected),
            (1049, Fault::Rejected),
            (1053, Fault::BackendLost),
            (1152, Fault::BackendLost),
            (1158, Fault::BackendLost),
            (1159, Fault::BackendLost),
            (1160, Fault::BackendLost),
            (1161, Fault::BackendLost),
            (1927, Fault::BackendLost),
            (3169, Fault::BackendLost),
            (4031, Fault::SessionLost),
            (1836, Fault::BackendLost),
        ] {
            assert_eq!(of(number), fault, "{number}");
        }
    }

    #[test]
    fn errors_of_the_driver_have_their_meaning() {
        let lost = Error::Io(io::Error::from(io::ErrorKind::UnexpectedEof));
        assert_eq!(fault(&lost), Fault::BackendLost);
        assert!(leaves_commit_in_doubt(&lost));
        assert_eq!(fault_of_open(&lost), Fault::Transient);
        assert_eq!(fault(&Error::Protocol(String::new())), Fault::SessionLost);
        assert!(leaves_commit_in_doubt(&Error::Protocol(String::new())));
        assert_eq!(fault(&Error::RowNotFound), Fault::Other);
        assert_eq!(fault(&SqlFailure::RolledBack.into()), Fault::Other);
        assert_eq!(fault_of_open(&Error::Tls("no".into())), Fault::Rejected);
    }
}
