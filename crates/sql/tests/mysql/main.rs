//! MySQL, on a private MariaDB server.
#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

#[macro_use]
#[path = "../common/rules.rs"]
mod rules;

mod cancelling;
mod conformance;
mod driver_faults;
mod errors;
mod hygiene;
mod idle;
mod opening;
#[path = "../common/outcome.rs"]
mod outcome;
#[allow(unreachable_pub, reason = "what the tests share")]
mod place;
mod sandbox;
mod script;
mod transaction;
mod transaction_faults;
