//! What can go wrong: one enum for each question asked.

mod acquire;
mod call;
mod chain;
mod release;
mod timed_out;
mod tx;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use acquire::{AcquireError, TryAcquireError};
pub use call::CallError;
pub use chain::Chain;
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

fn source(cause: &Cause) -> &(dyn StdError + 'static) {
    &**cause
}
