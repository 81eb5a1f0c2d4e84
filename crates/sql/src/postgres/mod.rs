//! PostgreSQL.

mod backend;
mod canceller;
mod config;
mod driver;
mod effect;
mod error;
mod login;
mod script;
mod session;
mod text;

pub use backend::Postgres;
pub use session::PgSession;
