//! The gateway over loopback, against the protocol document.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

mod book;
mod common;
mod doors;
mod faults;
mod hostile;
mod idle;
mod kill;
mod macros;
mod pools;
mod requests;
mod roundtrip;
mod saving;
mod transactions;
mod turns;
mod windows;
