//! `deadpool-postgres` as published, in our pool: what that promises, and what it cannot.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod borrowing;
mod conformance;
mod place;
