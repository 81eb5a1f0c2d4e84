//! Session per request for [axum].

mod status;

pub use status::status;
