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
//! None is on by default. The features `postgres` and `mysql` have no backend yet, only
//! the conversion of a [`ConnectUrl`] into sqlx's connect options.
//!
//! The feature `tls` has sqlx speak TLS, by rustls with ring, and trust whom the operating
//! system trusts. A program may switch on another of sqlx's TLS features instead.

#[cfg(feature = "sqlite")]
mod mark;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod statement;
mod url;

#[cfg(feature = "sqlite")]
pub use sqlite::{BeginMode, Sqlite, SqliteFailure, SqliteSession};
pub use url::{ConnectUrl, UrlError};
