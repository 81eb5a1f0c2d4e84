//! A local 1010data gateway to run and test against: sessions, SAM pools, queries,
//! a clock that can be set, a book of who held which ID when, and faults on demand.
//!
//! As a program, with a user `demo` and the password `secret`:
//!
//! ```sh
//! cargo run -p sessionpool-emulator -- --port 8010 --data stations.csv
//! ```
//!
//! As a library, in the test of a client:
//!
//! ```
//! use std::time::Duration;
//! use sessionpool_emulator::{Clock, Emulator, Fault, Group, Table};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let emulator = Emulator::builder()
//!     .user("demo", "secret")
//!     .group(Group::new("clientx", "clientx_owner", "secret").ids(8))
//!     .table(Table::from_csv("pub.demo.stations", "id,elev\n3103,7003.5\n")?)
//!     .choose(|choices| choices.max_cells = 100_000)
//!     .clock(Clock::stopped())
//!     .start()
//!     .await?;
//!
//! // what goes wrong, and how often
//! let lost = emulator.fault(Fault::on("reluid").lose_reply());
//! // … a client works at `emulator.url()`, another at `emulator.url_for("second")` …
//! emulator.clock().advance(Duration::from_secs(900));
//!
//! // who had what
//! let book = emulator.book();
//! assert!(book.held().is_empty() && book.released_strangers().is_empty());
//! # assert_eq!(lost.hits(), 0);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! It listens on the loopback interface, speaks plain HTTP (or TLS, with the feature
//! `tls` and a `Certificate`), and keeps passwords in the clear: they are those of tests. Sockets are real, so tokio's paused clock is
//! not for tests with it; the emulator's own [`Clock`] is.
#![doc = include_str!("../CHOICES.md")]

mod book;
mod builder;
#[cfg(feature = "tls")]
mod certificate;
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
#[cfg(feature = "tls")]
pub use self::certificate::{Certificate, CertificateError};
pub use self::choices::{Choices, CsvHeader, Selection};
pub use self::clock::Clock;
pub use self::emulator::Emulator;
pub use self::error::StartError;
pub use self::fault::{Fault, FaultHandle};
pub use self::platform::Group;
pub use self::table::{Column, Table, TableError};
