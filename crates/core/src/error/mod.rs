//! What can go wrong: one enum for each question asked.

mod acquire;
mod call;
mod release;
mod timed_out;
mod tx;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use acquire::{AcquireError, TryAcquireError};
pub use call::CallError;
pub use release::ReleaseError;
pub use timed_out::{LastFailure, Phase, TimedOut};
pub use tx::{Rollback, TxError};

/// The error of a backend or a session, shared: one failed opening may answer
/// many waiters.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// A pool, in a sentence.
struct Name<'a>(&'a Option<Arc<str>>);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "pool \"{name}\""),
            None => f.write_str("the pool"),
        }
    }
}

/// An error and all that led to it, in a sentence: many logs show no sources, and what
/// the remote end said is the last of them.
pub(crate) struct Chain<'a>(pub(crate) &'a Cause);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        f.write_str(&told)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            // Some errors tell their source themselves.
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

fn source(cause: &Cause) -> &(dyn StdError + 'static) {
    &**cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("line dead")]
        Line,
        #[error("cannot open the database")]
        Open { source: Box<Self> },
        #[error("configuration: {0}")]
        TellsItsSource(#[source] Box<Self>),
    }

    #[test]
    fn what_led_to_an_error_is_told_once() {
        let open = Box::new(Failed::Open { source: Box::new(Failed::Line) });
        let cause: Cause = Arc::new(Failed::TellsItsSource(open));
        assert_eq!(Chain(&cause).to_string(), "configuration: cannot open the database: line dead");
    }
}
