//! Errors of statements.

use std::sync::Arc;

use sessionpool_core::{Fault, call};
use sqlx_core::Error;

use super::Problem;

/// What a statement's error means is asked of each database that is built in; each knows
/// its own codes alone.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let fault = fault(&error);
        Self::of_fault(fault, Arc::new(error))
    }
}

fn fault(error: &Error) -> Fault {
    let faults = [
        #[cfg(feature = "postgres")]
        call::classify::<sessionpool_sql::PgSession>(error),
        #[cfg(feature = "mysql")]
        call::classify::<sessionpool_sql::MySqlSession>(error),
        #[cfg(feature = "sqlite")]
        call::classify::<sessionpool_sql::SqliteSession>(error),
    ];
    faults.into_iter().find(|fault| *fault != Fault::Other).unwrap_or(Fault::Other)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::ProblemKind;

    #[test]
    fn a_lost_connection_is_told_from_a_mistake() {
        let lost = Error::Io(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(Problem::from(lost).kind(), ProblemKind::BackendLost);
        assert_eq!(Problem::from(Error::RowNotFound).kind(), ProblemKind::Internal);
    }
}
