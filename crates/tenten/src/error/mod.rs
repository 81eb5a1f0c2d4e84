//! What can go wrong between us and the gateway.

mod refusal;
mod timed_out;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::Fault;

pub use refusal::Refusal;
pub use timed_out::{Phase, TimedOut};

use crate::xml::XmlError;

/// What can go wrong between us and the gateway.
///
/// The first group is what the gateway itself said, sorted by its return code; the
/// second what became of a request on its way; the third what is wrong with an answer;
/// the last what is wrong on our side. No variant ever holds a URL, a password or a
/// session's number.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Codes 3, 4, 39: the user ID, its password or our address is not accepted.
    #[error("{0}")]
    Auth(Refusal),
    /// Code 5: the user ID has a session, and the login was not to touch it.
    #[error("{0}")]
    SessionConflict(Refusal),
    /// Code 35: the session is gone. It timed out, another login ended it, or an
    /// operator did.
    #[error("{0}")]
    SessionLost(Refusal),
    /// Code 38: no room. For a SAM pool: all its IDs are taken.
    #[error("{refusal}")]
    #[non_exhaustive]
    Busy {
        /// What the gateway said.
        refusal: Refusal,
        /// When we will ask again.
        retry_after: Option<Duration>,
    },
    /// Code 41: the platform is down.
    #[error("{0}")]
    Unavailable(Refusal),
    /// Code 45: too many logins in too short a time.
    #[error("{0}")]
    Throttled(Refusal),
    /// Code 23: the window has more values than are sent at once.
    #[error("{0}")]
    TooMuchData(Refusal),
    /// Code 37: the group is somebody else's, or there is none of that name.
    #[error("{0}")]
    NotOwner(Refusal),
    /// Code 21: there is no query whose rows could be sent.
    #[error("{0}")]
    NoQuery(Refusal),
    /// Code 36: a column that is not in the result.
    #[error("{0}")]
    NoSuchColumn(Refusal),
    /// Codes 2 and 6 to 13: the request is not as it should be.
    #[error("{0}")]
    BadRequest(Refusal),
    /// Codes 15, 17, 18: no such directory or table.
    #[error("{0}")]
    NotFound(Refusal),
    /// Any other code, known or not.
    #[error("{0}")]
    Server(Refusal),

    /// No connection: nothing was sent.
    #[error("cannot connect to the gateway for {api}")]
    #[non_exhaustive]
    Connect {
        /// The transaction.
        api: &'static str,
        /// Why, without the URL.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke after the request may have been sent: whether it took
    /// effect is unknown.
    #[error("connection to the gateway broke during {api}")]
    #[non_exhaustive]
    Transport {
        /// The transaction.
        api: &'static str,
        /// Whether an answer had begun.
        answered: bool,
        /// How, without the URL.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long. Whether it took effect is unknown, unless connecting did.
    #[error("{0}")]
    TimedOut(TimedOut),
    /// A status other than 200, which the gateway uses for everything it says itself.
    #[error("{api} was answered with HTTP status {status}: {excerpt}")]
    #[non_exhaustive]
    Http {
        /// The transaction.
        api: &'static str,
        /// The status.
        status: u16,
        /// How the body begins.
        excerpt: String,
        /// When to ask again, where the answer says so; an hour at most.
        retry_after: Option<Duration>,
    },
    /// A redirection, which is never followed: the URL holds credentials.
    #[error("{api} was redirected to {host}, which is not followed")]
    #[non_exhaustive]
    Redirect {
        /// The transaction.
        api: &'static str,
        /// The host it names, or `an unnamed place`.
        host: String,
    },

    /// What answered is no gateway: a sign-in page, a proxy.
    #[error("answer to {api} is not the gateway's: {excerpt}")]
    #[non_exhaustive]
    NotGateway {
        /// The transaction.
        api: &'static str,
        /// How the body begins.
        excerpt: String,
    },
    /// The answer is damaged.
    #[error("answer to {api} cannot be read")]
    #[non_exhaustive]
    Malformed {
        /// The transaction.
        api: &'static str,
        /// Where and why.
        source: XmlError,
    },
    /// The answer says neither yes nor no, or lacks what it should bring.
    #[error("answer to {api} has no usable <{element}>")]
    #[non_exhaustive]
    Missing {
        /// The transaction.
        api: &'static str,
        /// What is missing.
        element: &'static str,
    },
    /// A window has fewer rows or more than the query announced.
    #[error("rows {from} to {to}: {expected} were announced and {found} came")]
    #[non_exhaustive]
    RowCount {
        /// The first row asked for, from 0.
        from: u64,
        /// The row behind the last.
        to: u64,
        /// Rows there should be.
        expected: u64,
        /// Rows there are.
        found: u64,
    },
    /// The columns that came are not those asked for.
    #[error("columns {found} came where {expected} were asked for")]
    #[non_exhaustive]
    Columns {
        /// Asked for.
        expected: String,
        /// What came.
        found: String,
    },
    /// A cell does not hold what its column's type says.
    #[error("row {row}, column {column:?}: {value:?} is no {wanted}")]
    #[non_exhaustive]
    Cell {
        /// The row, from 0.
        row: u64,
        /// The column's name.
        column: String,
        /// What the cell says; long values are cut.
        value: String,
        /// What was wanted.
        wanted: &'static str,
    },
    /// A result is not shaped as the caller took it to be.
    #[error("{0}")]
    Shape(String),

    /// The gateway handed out an ID that this process holds already. It is not lent
    /// twice.
    #[error("gateway handed out {uid}, which is in use here")]
    #[non_exhaustive]
    Duplicate {
        /// The pool member.
        uid: String,
    },
    /// The password's provider failed.
    #[error("no password for {user}")]
    #[non_exhaustive]
    Password {
        /// Whose.
        user: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The lease journal cannot be written, and an ID that is in no journal would be
    /// lost by a crash.
    #[error("lease journal cannot be written")]
    Journal(#[source] Arc<io::Error>),
    /// What a result was to be written to does not take it.
    #[error("result cannot be written")]
    Output(#[source] io::Error),
    /// It is not fit for what was asked: the session is lost, there is no SAM group.
    #[error("not usable: {0}")]
    Unusable(&'static str),
    /// No thread or client could be started.
    #[error("cannot start {what}")]
    #[non_exhaustive]
    Start {
        /// What.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// True if the same, a little later, may succeed with nothing changed: the gateway
    /// is busy, down, or was not reached.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::SessionConflict(_)
            | Self::Unavailable(_)
            | Self::Throttled(_)
            | Self::Connect { .. }
            | Self::Transport { .. }
            | Self::TimedOut(_)
            | Self::Duplicate { .. } => true,
            Self::Http { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// True if we are not accepted as we are: user, password, address, a proxy's
    /// credentials, somebody else's group. Trying again may lock the account.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        match self {
            Self::Auth(_) | Self::NotOwner(_) | Self::Password { .. } => true,
            Self::Http { status, .. } => matches!(status, 401 | 403 | 407),
            _ => false,
        }
    }

    /// True if the session that met this is gone.
    #[must_use]
    pub const fn session_lost(&self) -> bool {
        matches!(self, Self::SessionLost(_))
    }

    /// What the gateway said, if it is what said no.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Auth(refusal)
            | Self::SessionConflict(refusal)
            | Self::SessionLost(refusal)
            | Self::Busy { refusal, .. }
            | Self::Unavailable(refusal)
            | Self::Throttled(refusal)
            | Self::TooMuchData(refusal)
            | Self::NotOwner(refusal)
            | Self::NoQuery(refusal)
            | Self::NoSuchColumn(refusal)
            | Self::BadRequest(refusal)
            | Self::NotFound(refusal)
            | Self::Server(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The gateway's return code, if it is what said no.
    #[must_use]
    pub fn rc(&self) -> Option<i64> {
        self.refusal().map(|refusal| refusal.rc)
    }

    /// True if the request certainly changed nothing: the gateway refused it, or never
    /// got it.
    pub(crate) fn changed_nothing(&self) -> bool {
        self.refusal().is_some() || self.was_not_sent()
    }

    /// True if an answer was on its way and did not arrive, or not whole.
    pub(crate) fn lost_answer(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Malformed { .. } | Self::Missing { .. } => true,
            Self::TimedOut(timed_out) => timed_out.phase != Phase::Connecting,
            _ => false,
        }
    }

    /// True if nothing that answered says that the gateway is done with the request: it
    /// may arrive later, and take effect then.
    pub(crate) fn may_come_late(&self) -> bool {
        match self {
            Self::Transport { answered, .. } => !answered,
            Self::TimedOut(timed_out) => timed_out.phase != Phase::Connecting,
            // A proxy that gave up waiting.
            Self::Http { status, .. } => matches!(status, 502 | 504),
            _ => false,
        }
    }

    pub(crate) fn was_not_sent(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Password { .. } | Self::Journal(_) => true,
            Self::TimedOut(timed_out) => timed_out.phase == Phase::Connecting,
            _ => false,
        }
    }

    /// What it means to the pool.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::SessionLost(_) => Fault::SessionLost,
            Self::Busy { retry_after, .. } => Fault::Busy { retry_after: *retry_after },
            Self::Throttled(_) => Fault::Busy { retry_after: Some(THROTTLED) },
            Self::Http { retry_after: Some(after), .. } if self.is_retryable() => {
                Fault::Busy { retry_after: Some(*after) }
            }
            // Somebody else's session may end; until then the callers are told.
            Self::SessionConflict(_) => Fault::Other,
            _ if self.is_auth() => Fault::Rejected,
            Self::Redirect { .. } | Self::NotGateway { .. } | Self::BadRequest(_) => {
                Fault::Rejected
            }
            _ if self.is_retryable() => Fault::Transient,
            _ => Fault::Other,
        }
    }
}

/// How long to leave a gateway alone that throttles logins: what a client in
/// production waits.
const THROTTLED: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
