//! The part of the Macro Language that picks rows and columns.

mod bound;
mod error;
mod expression;
mod operation;
mod token;

pub(crate) use self::operation::Operation;
