//! A manager of deadpool's as a backend of ours.

mod backend;
mod error;
mod keeper;
mod session;

pub use backend::FromDeadpool;
pub use error::DeadpoolError;
pub use session::DeadpoolSession;
