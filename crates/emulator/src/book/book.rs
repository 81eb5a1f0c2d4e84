use std::collections::BTreeMap;
use std::time::Duration;

/// What the emulator knows of its IDs at one instant: who held which one when.
///
/// A holder is a **caller**: the part of the gateway's path before `gw`, so that
/// clients with a [URL each](crate::Emulator::url_for) can be told apart though
/// they share IDs, sessions and passwords. Times are the emulator's
/// [clock](crate::Clock)'s. The book keeps everything, and so grows with every
/// `getuid`, by some 100 bytes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Book {
    /// Every time an ID was handed out, in that order.
    pub holdings: Vec<Holding>,
    /// What was done to a pool's ID by somebody who did not hold it.
    pub strays: Vec<Stray>,
    /// Sessions begun.
    pub sessions_begun: usize,
    /// Sessions ended, in whatever way.
    pub sessions_ended: usize,
    pub(crate) calls: BTreeMap<&'static str, usize>,
}

/// An ID in somebody's hand: from `getuid` until it was free again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holding {
    /// Counts up from 1.
    pub number: u64,
    /// The ID.
    pub uid: String,
    /// Its group.
    pub gid: String,
    /// Who asked for it.
    pub caller: String,
    /// When it was handed out.
    pub from: Duration,
    /// When and how it came back, unless it is still out.
    pub end: Option<(Duration, HoldingEnd)>,
}

/// How an ID came back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldingEnd {
    /// By a `reluid`, of this caller.
    Released(String),
    /// By itself, having been without a session for 15 minutes.
    Expired,
    /// By a `resetpool`.
    Reset,
}

/// A request that touched a pool's ID without holding it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stray {
    /// When.
    pub at: Duration,
    /// The ID.
    pub uid: String,
    /// The transaction.
    pub api: &'static str,
    /// Who did it.
    pub caller: String,
    /// Who held the ID; nobody if it was free.
    pub holder: Option<String>,
    /// Whether it took effect.
    pub took_effect: bool,
}

impl Book {
    /// How often a transaction was called, in whatever case its name was written and
    /// however it was answered; requests that a fault kept from being executed count.
    #[must_use]
    pub fn calls(&self, api: &str) -> usize {
        self.calls.get(api).copied().unwrap_or_default()
    }

    /// The IDs that are out, with who holds them.
    #[must_use]
    pub fn held(&self) -> Vec<&Holding> {
        self.holdings.iter().filter(|holding| holding.end.is_none()).collect()
    }

    /// The `reluid`s that freed an ID out of another caller's hand.
    #[must_use]
    pub fn released_strangers(&self) -> Vec<&Stray> {
        let hit =
            |stray: &&Stray| stray.api == "reluid" && stray.took_effect && stray.holder.is_some();
        self.strays.iter().filter(hit).collect()
    }
}
