//! The crate against a gateway on loopback.

mod admin;
mod closing;
mod common;
mod conformance;
mod csv;
mod faults;
mod journal;
mod pool;
mod query;
mod sam;
mod settings;
mod table_info;
mod tls;
mod vendor;
mod wire;
