use sessionpool_core::Fault;
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::failure::{FirstError, SqlFailure, is_refused_by_tls};
use crate::state::SqlState;

/// What the commit's own check answers where the transaction is not the unit's.
pub(super) const DIVISION_BY_ZERO: &str = "22012";

/// A lock was not granted in time.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// A write where only reading is allowed: on a node that is no primary any more, or
/// in a transaction that was asked to be read-only.
pub(super) const READ_ONLY: &str = "25006";

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
        Error::Database(_) => of_code(code(error).unwrap_or_default(), is_fatal(error)),
        _ => Fault::Other,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
///
/// Whether the server has ended the session its severity tells. The code alone may be
/// another server's, which `postgres_fdw` has passed on, or the word of a wrong number of
/// parameters (`08P01`).
fn of_code(code: &str, is_fatal: bool) -> Fault {
    let state = state(code);
    let fault = state.map_or(Fault::Other, |state| state.fault());
    let is_of_line = state.is_some_and(|state| state.class() == "08");
    match is_fatal {
        true if is_of_line || fault == Fault::Other => Fault::BackendLost,
        false if is_of_line || (fault.ends_session() && code != READ_ONLY) => Fault::Other,
        _ => fault,
    }
}

/// The state of that name, if it is of those that PostgreSQL has for its sessions and
/// transactions. Any other says what whoever wrote `RAISE` wanted it to.
fn state(code: &str) -> Option<SqlState> {
    let classes = ["08", "25", "28", "3D", "40", "53", "57"];
    SqlState::new(code).filter(|state| classes.contains(&state.class()))
}

/// An opening that failed, and whether to try again.
pub(super) fn of_open(place: String, source: Error) -> Error {
    SqlFailure::open("PostgreSQL", place, fault_of_open(&source), source)
}

fn fault_of_open(error: &Error) -> Fault {
    if let Some(own) = SqlFailure::of(error) {
        return own.fault();
    }
    match error {
        _ if is_refused_by_tls(error) => Fault::Rejected,
        Error::Io(_) => Fault::Transient,
        Error::Database(_) => match code(error).unwrap_or_default() {
            "53300" => Fault::Busy { retry_after: None },
            code if code.starts_with("57P") || code.starts_with("08") => Fault::Transient,
            _ => Fault::Rejected,
        },
        _ => Fault::Rejected,
    }
}

/// True if a statement failed on a session that goes on.
pub(super) fn is_of_statement(error: &Error) -> bool {
    matches!(error, Error::Database(_)) && !is_fatal(error)
}

/// True if a commit that was answered so may have happened all the same.
pub(super) fn leaves_commit_in_doubt(error: &Error) -> bool {
    code(error).is_none_or(|code| is_in_doubt(code, is_fatal(error)))
}

/// A pooler's word for a server that is gone (`08…`) need not be fatal.
fn is_in_doubt(code: &str, is_fatal: bool) -> bool {
    is_fatal || state(code).is_some_and(|state| state.leaves_commit_in_doubt())
}

/// True if the server said that it ended the session before it looked at what we sent
/// last.
///
/// What a server that ends a session answers comes in order: a commit that had
/// happened would have been answered first.
pub(super) fn ended_before(error: &Error) -> bool {
    is_fatal(error) && matches!(code(error), Some("25P03" | "25P04" | "57P01" | "57P05"))
}

/// Every error that the server reports in a transaction aborts it.
pub(super) fn aborts(error: &Error) -> Option<FirstError> {
    let error = error.as_database_error()?;
    let code = error.code()?.into_owned();
    Some(FirstError { code, message: error.message().to_owned() })
}

/// True if the server does not know a statement by the name that sqlx gave it, or
/// knows it with other columns.
pub(super) fn is_stale(error: &Error) -> bool {
    match code(error) {
        Some("26000" | "42P05") => true,
        Some("0A000") => error
            .as_database_error()
            .is_some_and(|error| error.message().starts_with("cached plan must not change")),
        _ => false,
    }
}

pub(super) fn code(error: &Error) -> Option<&str> {
    postgres(error).map(PgDatabaseError::code)
}

fn is_fatal(error: &Error) -> bool {
    postgres(error)
        .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

fn postgres(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        for (code, fault) in [
            ("40001", Fault::Conflict),
            ("40P01", Fault::Conflict),
            ("55P03", Fault::Other),
            ("57014", Fault::Other),
            ("23505", Fault::Other),
            ("25P02", Fault::Other),
            ("53100", Fault::Other),
            ("40003", Fault::OutcomeUnknown),
            ("25006", Fault::BackendLost),
            ("28P01", Fault::Rejected),
            ("28000", Fault::Rejected),
            ("3D000", Fault::Rejected),
            ("XX000", Fault::Other),
            // A foreign server's, or a procedure's.
            ("08P01", Fault::Other),
            ("08001", Fault::Other),
            ("08004", Fault::Other),
            ("08006", Fault::Other),
            ("08007", Fault::Other),
            ("25P03", Fault::Other),
            ("57P01", Fault::Other),
            ("57P05", Fault::Other),
            // ODBC's, and Windows'.
            ("01000", Fault::Other),
            ("01002", Fault::Other),
            ("08S01", Fault::Other),
            ("10053", Fault::Other),
            ("10054", Fault::Other),
            ("10060", Fault::Other),
            ("10061", Fault::Other),
            ("HY010", Fault::Other),
            ("HYT00", Fault::Other),
            ("HYT01", Fault::Other),
        ] {
            assert_eq!(of_code(code, false), fault, "{code}");
        }
    }

    #[test]
    fn a_fatal_error_has_ended_its_session() {
        for (code, fault) in [
            ("57P01", Fault::BackendLost),
            ("57P02", Fault::BackendLost),
            ("57P04", Fault::BackendLost),
            ("08P01", Fault::BackendLost),
            ("08004", Fault::BackendLost),
            ("08006", Fault::BackendLost),
            ("08007", Fault::BackendLost),
            ("10054", Fault::BackendLost),
            ("XX000", Fault::BackendLost),
            // A limit of one transaction, or one session.
            ("25P03", Fault::SessionLost),
            ("25P04", Fault::SessionLost),
            ("57P05", Fault::SessionLost),
            // At a login.
            ("53300", Fault::Busy { retry_after: None }),
            ("57P03", Fault::Transient),
            ("28P01", Fault::Rejected),
            ("3D000", Fault::Rejected),
        ] {
            assert_eq!(of_code(code, true), fault, "{code}");
        }
    }

    #[test]
    fn a_commit_is_in_doubt_where_the_server_does_not_vouch_for_its_end() {
        for code in ["40003", "08000", "08006", "08007", "08P01"] {
            assert!(is_in_doubt(code, false), "{code}");
        }
        for code in ["57P01", "57P05", "25P04", "XX000", "40001"] {
            assert!(is_in_doubt(code, true), "{code}");
        }
        for code in
            ["40001", "40P01", "23503", "23505", "25006", "25P02", "57014", "10054", "HY000"]
        {
            assert!(!is_in_doubt(code, false), "{code}");
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
