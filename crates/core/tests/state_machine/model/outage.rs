//! What failing openings lead to.

use std::time::Duration;

use sessionpool_core::Fault;

use super::due::TICK;

#[derive(Debug, Default)]
pub(super) struct Outage {
    /// Openings failed in a row.
    pub(super) streak: u32,
    /// When the first of them did.
    since: Option<Duration>,
    pub(super) last: Option<(Fault, Duration)>,
    /// The next opening begins between these.
    pub(super) earliest: Duration,
    pub(super) latest: Duration,
}

impl Outage {
    pub(super) fn succeeded(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }

    /// Back-off: after a transient failure at most 100 ms, twice that after the
    /// next, up to 10 s; where the backend says when, not before then; after a
    /// rejection between half of it and all of 1 s, then 2 s, up to 60 s. Of several that
    /// fail together, the longest counts.
    pub(super) fn failed(&mut self, fault: Fault, now: Duration) {
        self.streak += 1;
        self.since.get_or_insert(now);
        self.last = Some((fault, now));
        let doubled = |first: u64, most: u64| {
            Duration::from_millis(most.min(first << (self.streak - 1).min(16)))
        };
        let (least, most) = match fault {
            Fault::Busy { retry_after: Some(after) } => (after, after.max(doubled(100, 10_000))),
            _ if is_worth_another_try(fault) => (TICK, doubled(100, 10_000)),
            _ => (doubled(1_000, 60_000) / 2, doubled(1_000, 60_000)),
        };
        self.earliest = self.earliest.max(now + least);
        self.latest = self.latest.max(now + most);
    }

    /// True if openings have failed for so long, one after the other.
    pub(super) fn has_lasted(&self, limit: Duration) -> bool {
        matches!((self.since, self.last), (Some(since), Some((_, at))) if at - since >= limit)
    }

    /// True while the next opening may not begin yet. Where either is right, `so_it_seems`
    /// decides, and the end of the back-off is by now known to be later, or is over.
    pub(super) fn holds_back(&mut self, now: Duration, so_it_seems: bool) -> bool {
        if self.earliest <= now && now < self.latest {
            match so_it_seems {
                true => self.earliest = now + TICK,
                false => self.latest = now,
            }
        }
        now < self.earliest
    }
}

pub(super) const fn is_worth_another_try(fault: Fault) -> bool {
    matches!(fault, Fault::Busy { .. } | Fault::Transient | Fault::SessionLost | Fault::BackendLost)
}
