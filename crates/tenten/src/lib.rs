//! The 1010data gateway under sessionpool's lifecycle: sessions, SAM pools, queries.
//!
//! [`Tenten`] is the backend, of a single user or of a SAM group; its sessions run
//! [`Query`]s, whose results are had as rows, as columns or as [`Csv`]. Nobody here can
//! reach the platform: what this crate does follows the public documents, and where they
//! leave something open the choice made is listed in
//! `docs/decisions/0035-open-points-of-the-gateway.md`.

mod admin;
mod aside;
mod backend;
mod builder;
mod choices;
mod client;
mod config;
mod desk;
mod error;
mod farewell;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod journal;
mod lock;
mod login_type;
mod mark;
#[doc(hidden)]
pub mod measure;
mod office;
mod password;
mod query;
mod sam;
mod secret;
mod session;
mod settings;
mod table_info;
mod wire;
mod xml;

pub use backend::Tenten;
pub use builder::TentenBuilder;
pub use config::ConfigError;
pub use error::{Error, Phase, Refusal, TimedOut};
pub use journal::{JournalReport, Orphan};
pub use login_type::LoginType;
pub use query::{
    BaseQuery, Cell, Column, ColumnIndex, ColumnType, Csv, CsvText, FromCell, Query, Row, Rows,
    Slice, TypedRows, Value, Values,
};
pub use sam::{Doubt, Member, SamReport};
pub use session::TentenSession;
pub use table_info::{ColumnInfo, TableInfo};
pub use xml::{Flaw, XmlError, XmlLimits};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
