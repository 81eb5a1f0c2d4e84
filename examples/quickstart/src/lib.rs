//! The stages of the quickstart; `main.rs` says in which order.

pub mod database;
pub mod exhaust;
pub mod fail;
pub mod load;
pub mod query;
pub mod rest;
pub mod stations;
