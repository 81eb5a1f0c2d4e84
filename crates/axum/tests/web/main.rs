//! The layers and extractors, over the scripted backend; over sockets and PostgreSQL
//! where it matters.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod background;
mod borrowed;
mod ending;
mod health;
mod kept;
mod outliving;
mod overload;
mod problem;
mod server;
mod sharing;
mod site;
mod tenant;
