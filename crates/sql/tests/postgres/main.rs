//! PostgreSQL, on a private server.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[macro_use]
#[path = "../common/rules.rs"]
mod rules;

mod cancelling;
mod conflict;
mod conformance;
mod credentials;
mod errors;
mod executor;
mod faults;
mod hygiene;
mod idle;
mod lines;
mod options;
#[path = "../common/outcome.rs"]
mod outcome;
mod own_transaction;
#[allow(unreachable_pub, reason = "what the tests share")]
mod place;
mod pooler;
mod sandbox;
mod script;
mod transaction;
