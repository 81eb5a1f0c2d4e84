//! A backend of ours as a manager of deadpool's.

mod closer;
mod ends_by_itself;
mod guarded;
mod manager;
mod ward;

pub use ends_by_itself::EndsByItself;
pub use guarded::Guarded;
pub use manager::IntoDeadpool;
