//! What tests compare a client's own account with.

#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the book")]
mod book;
mod journal;
mod ledger;
mod visit;

pub use self::book::{Book, Holding, HoldingEnd, Stray};
pub(crate) use self::journal::Journal;
pub use self::journal::Request;
pub(crate) use self::visit::Visit;
