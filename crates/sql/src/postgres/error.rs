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
fn of_code(code: &str, is_fatal: bool) -> Fault {
    let state = SqlState::new(code);
    match state.map_or(Fault::Other, |state| state.fault()) {
        Fault::Other if is_fatal => Fault::BackendLost,
        // A wrong number of parameters, or a foreign server that is not there: neither
        // says anything of this one, unless it ends the session.
        _ if code.starts_with("08") && !is_fatal => Fault::Other,
        fault => fault,
    }
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
    match code(error) {
        Some(code) => is_fatal(error) || code == "40003" || code.starts_with("08"),
        None => true,
    }
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
            ("53300", Fault::Busy { retry_after: None }),
            ("57P03", Fault::Transient),
            ("25P03", Fault::SessionLost),
            ("25P04", Fault::SessionLost),
            ("25006", Fault::BackendLost),
            ("57P01", Fault::BackendLost),
            ("57P02", Fault::BackendLost),
            ("57P05", Fault::BackendLost),
            ("08P01", Fault::Other),
            ("08001", Fault::Other),
            ("08006", Fault::Other),
            ("28P01", Fault::Rejected),
            ("28000", Fault::Rejected),
            ("3D000", Fault::Rejected),
        ] {
            assert_eq!(of_code(code, false), fault, "{code}");
        }
        assert_eq!(of_code("XX000", false), Fault::Other);
        assert_eq!(of_code("XX000", true), Fault::BackendLost);
        assert_eq!(of_code("08P01", true), Fault::BackendLost);
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
