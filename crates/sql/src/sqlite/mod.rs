//! SQLite: files, and named databases in memory.

mod backend;
mod brake;
mod config;
mod driver;
mod effect;
mod error;
mod session;
mod tripwire;

pub use backend::Sqlite;
pub use config::BeginMode;
pub use session::SqliteSession;
