//! SQL databases as sessions: raw sqlx connections under sessionpool's lifecycle.
//!
//! A session is one connection and keeps its own account of what is open and what
//! is half done on it. Queries are sqlx's: `&mut` of a session is an
//! `sqlx::Executor`. Transactions are not: sqlx's own lose track when a future is
//! dropped, so units of work are begun and ended by the session itself. The pool is
//! sessionpool's.
//!
//! | feature | backend |
//! |---|---|
//! | `sqlite` | `Sqlite`: files, and named databases in memory |
//!
//! None is on by default.
#![cfg(feature = "sqlite")]
#![allow(dead_code, reason = "other databases need it")]

mod call;
mod conversation;
mod effect;
mod executor;
mod failure;
mod mark;
mod sqlite;
mod statement;
mod watched;

pub use failure::{FirstError, SqlFailure};
pub use sqlite::{BeginMode, Sqlite, SqliteSession};
