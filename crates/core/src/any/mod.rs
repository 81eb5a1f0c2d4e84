//! Sessions and pools whose types are forgotten, so that unlike ones fit in one map.

mod backend;
mod error;
mod pool;
mod session;
mod weak;

pub use backend::Erase;
pub use error::AnyError;
pub use pool::AnyPool;
pub use session::AnySession;
pub use weak::WeakAnyPool;
