//! PostgreSQL.

mod backend;
mod canceller;
mod config;
mod credentials;
mod driver;
mod effect;
mod error;
mod login;
mod script;
mod session;
mod text;

pub use backend::Postgres;
pub use credentials::Credentials;
pub use script::Script;
pub use session::PgSession;
