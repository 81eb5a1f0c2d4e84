//! Faults on demand.

#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the fault")]
mod fault;
mod plan;
mod rules;

pub use self::fault::Fault;
pub(crate) use self::plan::{Ending, Plan};
pub use self::rules::FaultHandle;
pub(crate) use self::rules::{Hit, Rules};
