//! A local 1010data gateway to run and test against.

mod book;
mod builder;
mod choices;
mod clock;
mod emulator;
mod error;
mod fault;
mod gateway;
mod http;
mod macros;
mod platform;
mod protocol;
mod render;
mod table;
mod transaction;

pub use self::book::{Book, Holding, HoldingEnd, Request, Stray};
pub use self::builder::EmulatorBuilder;
pub use self::choices::{Choices, CsvHeader, Selection};
pub use self::clock::Clock;
pub use self::emulator::Emulator;
pub use self::error::StartError;
pub use self::fault::{Fault, FaultHandle};
pub use self::platform::Group;
pub use self::table::{Column, Table, TableError};
