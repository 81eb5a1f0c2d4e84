//! Session lifecycle and a bounded, queueing pool.
//!
//! A [`Backend`] opens sessions at one remote place; a [`Session`] is one logged-in
//! conversation with it; a [`Pool`] lends them, at most so many, first come first
//! served. A [`Lease`] is a borrowed session and a [`Unit`] is a unit of work, for
//! sessions that are [`Transactional`].
//!
//! This crate knows no database and no protocol; backend crates bring those.

mod any;
mod backend;
mod bounds;
pub mod call;
mod condition;
mod ends_by_itself;
mod error;
pub mod event;
mod extensions;
mod pause;
mod pool;
mod retry;
mod session;
mod settings;
mod span;
mod status;
mod sync;
mod transaction;
mod tx;
mod unit;

pub use any::{AnyError, AnyPool, AnySession, Erase, WeakAnyPool};
pub use backend::{Backend, SessionError};
pub use bounds::Bounds;
pub use condition::{Condition, Fault};
pub use ends_by_itself::EndsByItself;
pub use error::{
    AcquireError, CallError, Cause, Chain, LastFailure, Phase, ReleaseError, Rollback, TimedOut,
    TryAcquireError, TxError,
};
pub use event::PoolEvents;
pub use extensions::Extensions;
pub use pause::Pause;
pub use pool::{
    AcquireOptions, ConfigError, HookFuture, Lease, Pool, PoolBuilder, Recall, WeakPool,
};
pub use retry::Retry;
pub use session::Session;
pub use settings::{ClassSettings, PoolSettings};
pub use status::{ClassStatus, CloseReport, Closed, Counters, Holder, Status};
pub use transaction::{CommitOutcome, Isolation, Savepoint, Transactional, TxOptions};
pub use tx::Tx;
pub use unit::Unit;
