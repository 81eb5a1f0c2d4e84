//! The parts of the example; `main.rs` puts them together.

pub mod export;
pub mod gateway;
