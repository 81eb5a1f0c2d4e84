//! Session lifecycle and a bounded, queueing pool.

mod backend;
mod condition;
mod session;
mod transaction;

pub use backend::{Backend, SessionError};
pub use condition::{Condition, Fault};
pub use session::Session;
pub use transaction::{CommitOutcome, Isolation, Savepoint, Transactional, TxOptions};
