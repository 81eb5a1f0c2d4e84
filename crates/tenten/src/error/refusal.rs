use std::fmt;

use super::Error;
use crate::choices;

/// What the gateway said when it refused: a return code and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The transaction that was refused: `login`, `query`, …
    pub api: &'static str,
    /// The return code, known to us or not.
    pub rc: i64,
    /// The message, for people. Programs go by the code.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway refused {} with code {}", self.api, self.rc)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl Refusal {
    /// Sorts a refusal by its code, and where the code says nothing by its message.
    pub(crate) fn into_error(self) -> Error {
        match self.rc {
            3 | 4 | 39 => Error::Auth(self),
            5 => Error::SessionConflict(self),
            2 | 6..=13 => Error::BadRequest(self),
            15 | 17 | 18 => Error::NotFound(self),
            21 => Error::NoQuery(self),
            23 => Error::TooMuchData(self),
            35 => Error::SessionLost(self),
            36 => Error::NoSuchColumn(self),
            37 => Error::NotOwner(self),
            38 => Error::Busy { refusal: self, retry_after: None },
            41 => Error::Unavailable(self),
            45 => Error::Throttled(self),
            1 if self.says(choices::BUSY) => Error::Busy { refusal: self, retry_after: None },
            1 if self.says(choices::NOT_OWNER) => Error::NotOwner(self),
            1 if self.says(choices::NO_SUCH_COLUMN) => Error::NoSuchColumn(self),
            _ => Error::Server(self),
        }
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }
}

impl Error {
    /// True if all IDs of a SAM group are taken: it was the taking of one that met no
    /// room, not a login.
    pub(crate) fn is_full_group(&self) -> bool {
        matches!(self, Self::Busy { refusal, .. } if refusal.api == "getuid")
    }
}
