//! The crate against a gateway on loopback.

mod admin;
mod closing;
mod common;
mod conformance;
mod faults;
mod journal;
mod pool;
mod query;
mod sam;
mod vendor;
