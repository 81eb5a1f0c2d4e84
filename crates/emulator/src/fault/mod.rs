//! Faults on demand.

#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the fault")]
mod fault;
mod rules;

pub use self::fault::Fault;
pub(crate) use self::fault::{Ending, Plan};
pub use self::rules::FaultHandle;
pub(crate) use self::rules::{Hit, Rules};
