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
//! | `mysql` | `MySql`: MySQL and MariaDB |
//! | `postgres` | `Postgres`: PostgreSQL |
//! | `sqlite` | `Sqlite`: files, and named databases in memory |
//!
//! None is on by default, and with none of them the crate is empty.
//!
//! The feature `tls` has sqlx speak TLS, by rustls with ring, and trust whom the operating
//! system trusts. A program may switch on another of sqlx's TLS features instead.
#![cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
#![cfg_attr(
    not(all(feature = "mysql", feature = "postgres")),
    allow(dead_code, reason = "some of it is for the others")
)]

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod beside;
mod call;
mod conversation;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod credentials;
mod driver;
mod effect;
mod executor;
mod failure;
mod mark;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod required;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod reset;
mod sandbox;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod script;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod statement;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod tls;
mod url;
mod watched;

#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use credentials::Credentials;
pub use failure::{FirstError, SqlFailure};
#[cfg(feature = "mysql")]
pub use mysql::{MySql, MySqlSession};
#[cfg(feature = "postgres")]
pub use postgres::{PgSession, Postgres};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use reset::Reset;
pub use sandbox::{Sandbox, SandboxError};
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use script::Script;
#[cfg(feature = "sqlite")]
pub use sqlite::{BeginMode, Sqlite, SqliteSession};
pub use state::SqlState;
pub use url::{ConnectUrl, UrlError};
