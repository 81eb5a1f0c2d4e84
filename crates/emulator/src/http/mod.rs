//! The gateway's door: connections, requests, answers, and what goes wrong there.

mod answer;
mod body;
mod connection;
mod cut;
mod door;
mod feed;
mod incoming;
mod listener;
mod orders;

pub(crate) use self::door::Door;
pub(crate) use self::incoming::Incoming;
pub(crate) use self::listener::listen;
pub(crate) use self::orders::Orders;
