//! Proof for `sessionpool`: a backend that does what it is told and keeps its
//! own book, and a suite that checks any backend against the lifecycle
//! contracts.
//!
//! [`Scripted`] is for testing what stands on a backend: the pool, a service.
//! [`conformance`] is for testing a backend. The module `server` (feature
//! `servers`) has private PostgreSQL and MariaDB servers to test it against.

pub mod conformance;
mod scripted;
#[cfg(feature = "servers")]
pub mod server;

pub use scripted::{Act, Book, Hold, Scripted, ScriptedError, ScriptedSession, Verb};
