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

    /// When an idle session is old at the latest.
    pub(super) fn retirement(&self) -> Option<Duration> {
        self.stock.iter().map(|idle| self.wear[&idle.session].old_from).min()
    }

    /// An opening has ended: one that waited for that waits no longer.
    pub(super) fn opening_ended(&mut self) {
        if let Some(first) = self.retiring.pop_front() {
            self.succeeded += 1;
            self.retired.insert(first);
        }
    }

    /// Notes which worn sessions may be closed now: where no opening is under way for
    /// them, nor has to begin, or their places are wanted for others. Those count with
    /// them whose ending at this instant the trace has yet to tell.
    pub(super) fn note_retired(&mut self) {
        let (worn, idle): (Vec<_>, Vec<_>) =
            self.stock.iter().map(|idle| idle.session).partition(|it| self.ends_now(*it));
        let is_due = self.outage.latest <= self.now;
        let must_begin = if is_due { self.room_with(idle.len()) } else { 0 };
        let mut all: Vec<_> = self.retiring.iter().copied().chain(worn).collect();
        all.truncate(self.due_among(all.len(), must_begin));
        self.retired.extend(all);
    }

    /// How many of so many worn sessions wait for nothing, with `more` openings than are
    /// under way. Where no more are allowed at once, one has to wait for another.
    pub(super) fn due_among(&self, worn: usize, more: usize) -> usize {
        let opening = self.opening() + more;
        let is_full = self.taken() + more >= self.settings.max_size;
        let in_the_way = is_full && self.servable() > self.serving() + more;
        match opening < self.settings.max_connecting {
            _ if self.is_closed() || in_the_way => worn,
            true => worn.saturating_sub(opening),
            false => 0,
        }
    }

    /// A worn session is closed.
    pub(super) fn retires(&mut self, session: u64) {
        let may = self.retired.remove(&session);
        assert!(may, "worn session {session} is closed before its successor is open");
        self.retiring.retain(|other| *other != session);
    }
}
