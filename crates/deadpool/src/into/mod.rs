//! A backend of ours as a manager of deadpool's.

mod closer;
mod guarded;
mod manager;
mod ward;

pub use guarded::Guarded;
pub use manager::IntoDeadpool;
