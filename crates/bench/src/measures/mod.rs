//! What is measured, one file each.

mod allocations;
mod contended;
mod events;
mod idle_pools;
mod impatient;
mod oversubscribed;
mod slow_open;
mod spike;
mod timeouts;
mod uncontended;
mod waiters;

pub(crate) use self::allocations::{Allocations, AllocationsWaiting};
pub(crate) use self::contended::Contended;
pub(crate) use self::events::Events;
pub(crate) use self::idle_pools::IdlePools;
pub(crate) use self::impatient::Impatient;
pub(crate) use self::oversubscribed::Oversubscribed;
pub(crate) use self::slow_open::SlowOpen;
pub(crate) use self::spike::Spike;
pub(crate) use self::timeouts::Timeouts;
pub(crate) use self::uncontended::Uncontended;
pub(crate) use self::waiters::Waiters;
