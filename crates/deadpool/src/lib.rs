//! At home in deadpool's world, both ways.
//!
//! | | takes | makes |
//! |---|---|---|
//! | [`FromDeadpool`] | any [`Manager`](deadpool::managed::Manager) of deadpool 0.13 | a [`Backend`](sessionpool_core::Backend) for our pool |
//! | [`IntoDeadpool`] | a backend of ours | a `Manager` for deadpool's pool |
//!
//! Every crate that brings a manager for deadpool plugs into our pool as it is
//! published; one that runs on deadpool's pool today can change its backend first and
//! its pool later, or the other way round.

mod from;
mod into;

pub use deadpool;

pub use from::{DeadpoolError, DeadpoolSession, FromDeadpool};
pub use into::{Guarded, IntoDeadpool};
