//! Pools over PostgreSQL and MariaDB while the servers fail: each failure costs what it
//! must, and the pool heals.
#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(clippy::future_not_send, reason = "a test's future stays where it is")]

mod failing;
#[allow(unreachable_pub, reason = "what the tests share")]
mod place;
mod round_trips;
