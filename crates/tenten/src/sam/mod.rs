//! Shared access: a group's IDs, taken and given back.

mod account;
mod book;
mod held;
mod member;
mod report;
mod take;

pub(crate) use account::Account;
pub(crate) use book::Step;
pub(crate) use held::Held;
pub use member::Member;
pub use report::{Doubt, SamReport};
pub(crate) use take::take;
