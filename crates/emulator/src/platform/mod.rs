//! Users, sessions and pools: the state machines of the protocol. No HTTP, no XML.

mod access;
mod group;
#[cfg(test)]
mod invariants;
mod kill;
mod member;
#[expect(clippy::module_inception, reason = "a file is one noun, and this one is the platform")]
mod platform;
mod pool;
mod pooling;
mod secret;
mod session;
mod user;
mod workspace;

pub(crate) use self::access::Login;
pub use self::group::Group;
pub(crate) use self::kill::Kill;
pub(crate) use self::member::Member;
pub(crate) use self::platform::Platform;
pub(crate) use self::pool::Pool;
pub(crate) use self::pooling::MemberStatus;
pub(crate) use self::secret::Secret;
pub(crate) use self::session::Session;
pub(crate) use self::user::User;
pub(crate) use self::workspace::{CurrentQuery, Workspace};
