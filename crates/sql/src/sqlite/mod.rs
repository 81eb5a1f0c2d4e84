//! SQLite: files, and named databases in memory.

mod backend;
mod config;
mod effect;
mod error;
mod executor;
mod session;
mod tripwire;

pub use backend::Sqlite;
pub use config::BeginMode;
pub use error::SqliteFailure;
pub use session::SqliteSession;
