//! How long sessions live, how often they are lent, and who is closed before its successor
//! is open.

use std::time::Duration;

use sessionpool_core::event::Ending;

use super::Model;

/// A session's own limit is between four fifths of `max_lifetime` and all of it. Which one,
/// the documentation leaves open: the pool says so by ending it.
#[derive(Debug)]
pub(super) struct Wear {
    /// The pool's number for it.
    number: u64,
    uses: u64,
    /// It is not old before then, and is from then on.
    young_until: Duration,
    old_from: Duration,
}

impl Model {
    /// A session was opened.
    pub(super) fn is_new(&mut self, session: u64) {
        let number = self.counters.opened;
        let until = |share: fn(Duration) -> Duration| {
            self.settings.max_lifetime.map_or(Duration::MAX, |age| self.now + share(age))
        };
        let (young_until, old_from) = (until(|age| age * 4 / 5), until(|age| age));
        self.wear.insert(session, Wear { number, uses: 0, young_until, old_from });
    }

    pub(super) fn used(&mut self, session: u64) {
        self.wear.get_mut(&session).expect("it was opened").uses += 1;
    }

    /// When and why the pool said that it ends that session.
    pub(super) fn told_of(&self, session: u64) -> Option<(Duration, Ending)> {
        self.trace.told_of(self.wear.get(&session)?.number)
    }

    /// Which session has that number.
    pub(super) fn numbered(&self, number: u64) -> u64 {
        let session = self.wear.iter().find(|(_, wear)| wear.number == number);
        *session.unwrap_or_else(|| panic!("there is no session {number}")).0
    }

    /// True if it is not to be lent again. While it may be old or not, it is if the pool
    /// ends it for that now.
    pub(super) fn is_worn(&mut self, session: u64) -> bool {
        let told = self.told_of(session) == Some((self.now, Ending::Worn));
        let (now, max_uses) = (self.now, self.settings.max_uses);
        let wear = self.wear.get_mut(&session).expect("it was opened");
        if max_uses.is_some_and(|most| wear.uses >= most) || wear.old_from <= now {
            return true;
        }
        let is_old = told && wear.young_until < now;
        if !is_old {
            wear.young_until = wear.young_until.max(now);
        }
        is_old
    }

    /// True if it was lent often enough.
    pub(super) fn is_used_up(&self, session: u64) -> bool {
        self.settings.max_uses.is_some_and(|most| self.wear[&session].uses >= most)
    }

    /// When an idle session is old at the latest.
    pub(super) fn retirement(&self) -> Option<Duration> {
        self.stock.iter().map(|idle| self.wear[&idle.session].old_from).min()
    }

    /// An opening has ended, `well` or not: one of those that waited for it goes.
    pub(super) fn opening_ended(&mut self, opening: u64, well: bool) {
        let is_awaited = self.successors.remove(&opening).is_some();
        if is_awaited && self.passes < self.retiring.len() {
            self.passes += 1;
            self.reached.succeeded += u64::from(well);
        } else if is_awaited {
            self.spare_passes += 1;
        }
    }

    /// What is being opened will serve nobody.
    pub(super) fn nobody_has_a_successor(&mut self) {
        self.successors.clear();
    }

    /// True while that session, if it is an old one, need not be closed yet: an opening is
    /// under way that was when it became old, there is one for each that waits, none has
    /// ended for which nobody was closed, and there is room.
    pub(super) fn may_wait(&self, session: u64) -> bool {
        let since = self.retiring.iter().find(|(other, _)| *other == session);
        let Some((_, since)) = since else { return false };
        self.successors.values().any(|began| began <= since)
            && self.retiring.len() <= self.successors.len()
            && self.passes == 0
            && !self.is_crowded()
            && !self.is_closed()
    }

    /// True while there is no room for sessions that only wait: there are too many, with
    /// those that somebody has yet to get.
    pub(super) fn is_crowded(&self) -> bool {
        let needed = self.servable().saturating_sub(self.serving());
        self.taken() + needed > self.settings.max_size
    }

    /// A worn session is closed. An old one is not before an opening has ended, the one that
    /// waited longest first; but where no opening is left for it, or no room.
    pub(super) fn retires(&mut self, session: u64) {
        let Some(at) = self.retiring.iter().position(|(other, _)| *other == session) else {
            return;
        };
        let waits_for_nothing = self.retiring.len() > self.successors.len()
            || self.was_crowded
            || self.is_closed()
            || self.is_stale(session);
        let passes = self.passes > 0 && at == 0;
        // The pool may have found it old just before that opening ended, and said so after it.
        if !passes && !waits_for_nothing {
            let spare = self.spare_passes > 0 && self.retiring[at].1 == self.now;
            assert!(spare, "old session {session} is closed before its successor is open");
            self.spare_passes -= 1;
        }
        self.retiring.remove(at);
        self.passes = (self.passes - usize::from(passes)).min(self.retiring.len());
    }
}
