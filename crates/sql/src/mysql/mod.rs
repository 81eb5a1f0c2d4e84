//! MySQL and MariaDB.

mod backend;
mod canceller;
mod config;
mod driver;
mod effect;
mod error;
mod line;
mod login;
mod script;
mod session;
mod text;

pub use backend::MySql;
pub use session::MySqlSession;
