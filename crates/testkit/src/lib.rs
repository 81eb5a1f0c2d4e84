//! Proof for `sessionpool`: a backend that does what it is told and keeps its
//! own book, and a suite that checks any backend against the lifecycle
//! contracts.
//!
//! [`Scripted`] is for testing what stands on a backend: the pool, a service.
//! [`conformance`] is for testing a backend. For backends over a network, the
//! module `server` (feature `servers`) has private PostgreSQL and MariaDB servers, and
//! `proxy` (feature of that name) has the faults of the way there.

pub mod conformance;
#[cfg(feature = "proxy")]
pub mod proxy;
mod scripted;
#[cfg(feature = "servers")]
pub mod server;

pub use scripted::{Act, Book, Hold, Scripted, ScriptedError, ScriptedSession, Verb};
