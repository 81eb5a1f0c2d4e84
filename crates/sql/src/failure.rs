//! What this crate itself has to say about a session.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use sessionpool_core::Fault;
use sqlx::Error;

/// What this crate itself has to say about a session. Everything else in an
/// [`sqlx::Error`] is the database's or sqlx's own.
///
/// It travels inside an [`sqlx::Error`]; [`of`](Self::of) finds it there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlFailure {
    /// No session could be opened.
    #[error("cannot open {kind} database {database:?}")]
    #[non_exhaustive]
    Open {
        /// Whose: `SQLite`, `PostgreSQL`, `MySQL`.
        kind: &'static str,
        /// Where it is, without credentials; of SQLite the file's path, or the name of
        /// a database in memory.
        database: String,
        /// Whether trying again can help.
        fault: Fault,
        /// What the database said.
        source: Box<Error>,
    },

    /// Whoever was asked for the credentials has none. Found while opening.
    #[error("no credentials were provided")]
    #[non_exhaustive]
    Credentials {
        /// What he said instead.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The database does not take a setting asked for. Found while opening.
    #[error("{setting} is {actual} where {wanted} was asked for")]
    #[non_exhaustive]
    Setting {
        /// Its name.
        setting: &'static str,
        /// As asked for.
        wanted: &'static str,
        /// As the database has it.
        actual: String,
    },

    /// A unit has to bring this setting along, and was begun without it.
    #[error("a unit needs the setting {setting}, and was begun without it")]
    #[non_exhaustive]
    MissingSetting {
        /// Its name.
        setting: String,
    },

    /// Outside of a unit, which would bring this setting along, nothing is allowed.
    #[error("a statement needs a unit with the setting {setting} around it")]
    #[non_exhaustive]
    OutsideUnit {
        /// Its name.
        setting: String,
    },

    /// A script was not run.
    #[error("the script was not run: {why}")]
    #[non_exhaustive]
    ScriptRefused {
        /// Why not.
        why: &'static str,
    },

    /// Inside a sandbox no statement begins or ends a transaction: it would be the
    /// sandbox's own. Nobody has the raw connection, where it could not be told.
    #[error(
        "inside a sandbox no statement may begin or end a transaction, and the raw connection \
         is not to be had"
    )]
    InsideSandbox,

    /// The one session of a sandbox was lost, and all that was done in it.
    #[error("the sandbox's session is gone, and the sandbox with it")]
    SandboxLost,

    /// Behind a pooler, a statement with parameters is two requests, which may meet two
    /// different sessions of the server's outside of a transaction.
    #[error("behind a pooler, a statement with parameters needs a transaction around it")]
    NeedsTransaction,

    /// The server could not be had to cancel a statement in time.
    #[error("a statement was not cancelled within {limit:?}")]
    #[non_exhaustive]
    NotCancelled {
        /// The limit.
        limit: Duration,
    },

    /// A request to cancel a statement may still be on its way, and would hit
    /// whatever is sent next.
    #[error("a request to cancel is still on its way")]
    CancelInDoubt,

    /// A borrower left something on the session that no rollback undoes, so nobody
    /// else may have it.
    #[error("session cannot be lent again after {by}")]
    #[non_exhaustive]
    Touched {
        /// The kind of statement that did it.
        by: &'static str,
    },

    /// The transaction was rolled back before its end: by the database, as some
    /// errors make it do, or by a `ROLLBACK` of the borrower's. What was to come
    /// after is refused, lest it be committed alone.
    #[error("transaction was rolled back before its end")]
    RolledBack,

    /// An earlier statement of the transaction failed, and the database takes no
    /// further one until it is rolled back.
    #[error("a statement of the transaction failed before, and only a rollback is left")]
    #[non_exhaustive]
    PendingRollback {
        /// What the statement that failed was answered.
        source: FirstError,
    },

    /// A statement of the transaction that may have written was dropped half way:
    /// its borrower does not know what he would commit.
    #[error("a statement of the transaction was dropped half way")]
    StatementAbandoned,

    /// A transaction was asked for something that this database cannot do. It was not
    /// begun.
    #[error("a transaction of this database has no {option}")]
    #[non_exhaustive]
    Unsupported {
        /// What was asked for.
        option: &'static str,
    },

    /// A transaction was to be begun where one was open already, perhaps a borrower's
    /// own. It has been rolled back.
    #[error("a transaction was open already; it was rolled back")]
    TransactionOpen,

    /// No transaction is open: none was begun, or a `COMMIT` of the borrower's
    /// ended it.
    #[error("no transaction is open; was it ended by a COMMIT in the work?")]
    NoTransaction,
}

/// The error that made a transaction useless, as far as it can be told again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct FirstError {
    /// The database's code: of PostgreSQL the SQLSTATE, of MySQL the number.
    pub code: String,
    /// What it said.
    pub message: String,
}

impl SqlFailure {
    /// Finds what this crate had to say in an error of its sessions.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::Configuration(own) => own.downcast_ref(),
            Error::Io(own) => own.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    pub(crate) fn open(kind: &'static str, database: String, fault: Fault, source: Error) -> Error {
        Self::Open { kind, database, fault, source: Box::new(source) }.into()
    }

    pub(crate) const fn fault(&self) -> Fault {
        match self {
            Self::Open { fault, .. } => *fault,
            Self::Credentials { .. } => Fault::Transient,
            Self::SandboxLost
            | Self::Setting { .. }
            | Self::MissingSetting { .. }
            | Self::Unsupported { .. } => Fault::Rejected,
            Self::NotCancelled { .. } | Self::CancelInDoubt => Fault::SessionLost,
            Self::Touched { .. }
            | Self::RolledBack
            | Self::PendingRollback { .. }
            | Self::StatementAbandoned
            | Self::TransactionOpen
            | Self::OutsideUnit { .. }
            | Self::NeedsTransaction
            | Self::ScriptRefused { .. }
            | Self::InsideSandbox
            | Self::NoTransaction => Fault::Other,
        }
    }
}

/// True if a login ended at a certificate that is not to be trusted, or at something
/// else that TLS does not take: it reports both as data that are not valid.
pub(crate) fn is_refused_by_tls(error: &Error) -> bool {
    match error {
        Error::Tls(_) => true,
        Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Of sqlx's variants only two can carry it and read sensibly: `Configuration`
/// for what the program has to change, `Io` for what happened.
impl From<SqlFailure> for Error {
    fn from(own: SqlFailure) -> Self {
        match own.fault() {
            Fault::Rejected => Self::Configuration(Box::new(own)),
            _ => Self::Io(io::Error::other(own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_words_are_found_again() {
        for own in [SqlFailure::RolledBack, SqlFailure::NoTransaction] {
            let words = own.to_string();
            let error = Error::from(own);
            assert_eq!(SqlFailure::of(&error).unwrap().to_string(), words);
        }
        assert!(SqlFailure::of(&Error::WorkerCrashed).is_none());
    }

    #[test]
    fn what_has_to_be_changed_is_a_configuration_error() {
        let own = SqlFailure::open("X", "x".to_owned(), Fault::Rejected, Error::WorkerCrashed);
        assert!(matches!(own, Error::Configuration(_)));
        let own = SqlFailure::open("X", "x".to_owned(), Fault::Transient, Error::WorkerCrashed);
        assert!(matches!(own, Error::Io(_)));
    }
}
