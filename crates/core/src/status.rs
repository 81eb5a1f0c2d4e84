use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Ending;

/// A pool at one instant: [`Pool::status`](crate::Pool::status).
///
/// All numbers were read together, under one lock, so they agree with each other:
/// `opening + idle + leased + checking + cleaning + closing` is at most `max_size` (after a
/// [`resize`](crate::Pool::resize) to less, once the surplus has come back), and the
/// [`counters`](Self::counters) balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The most sessions there may be, in whatever state.
    pub max_size: usize,
    /// Sessions being opened.
    pub opening: usize,
    /// Sessions waiting for a borrower.
    pub idle: usize,
    /// Sessions lent, including those granted to a waiter that has yet to run.
    pub leased: usize,
    /// Sessions being asked whether they are still alive.
    pub checking: usize,
    /// Sessions being made fit for the next borrower.
    pub cleaning: usize,
    /// Sessions being ended.
    pub closing: usize,
    /// Tasks queued for a session.
    pub waiters: usize,
    /// How long the first in the queue has waited.
    pub oldest_waiter: Option<Duration>,
    /// True once the pool was closed.
    pub closed: bool,
    /// True while the pool is paused.
    pub paused: bool,
    /// How often all sessions there were became suspect: the backend was lost, or
    /// the pool flushed.
    pub generation: u64,
    /// What happened since the pool was built.
    pub counters: Counters,
}

impl Status {
    /// How many of the `max_size` places are taken, in whatever state.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.opening + self.idle + self.leased + self.checking + self.cleaning + self.closing
    }

    /// True if the numbers agree with each other as [`Counters`] promises: always.
    /// For tests of what is built upon a pool.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        let Counters { requested, acquired, returned, opened, .. } = self.counters;
        requested == self.counters.answered() + self.waiters as u64
            && acquired == returned + self.leased as u64
            && opened == self.counters.closed.total() + (self.size() - self.opening) as u64
    }
}

/// One line: `4 of 10 sessions (leased 3, idle 1), 0 waiting`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} sessions", self.size(), self.max_size)?;
        let states = [
            ("leased", self.leased),
            ("idle", self.idle),
            ("opening", self.opening),
            ("checking", self.checking),
            ("cleaning", self.cleaning),
            ("closing", self.closing),
        ];
        let mut separator = " (";
        for (state, sessions) in states.into_iter().filter(|(_, sessions)| *sessions > 0) {
            write!(f, "{separator}{state} {sessions}")?;
            separator = ", ";
        }
        let bracket = if self.size() > 0 { ")" } else { "" };
        write!(f, "{bracket}, {} waiting", self.waiters)?;
        if let Some(oldest) = self.oldest_waiter {
            write!(f, " (the first for {oldest:.1?})")?;
        }
        if self.paused {
            f.write_str(", paused")?;
        }
        if self.closed { f.write_str(", closed") } else { Ok(()) }
    }
}

/// What happened since a pool was built. Nothing here ever goes down.
///
/// At every instant
/// - `requested == answered() + waiters`,
/// - `acquired == returned + leased`,
/// - `opened == closed.total() + idle + leased + checking + cleaning + closing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Acquires begun. A `try_acquire` counts when it gets a session.
    pub requested: u64,
    /// Sessions lent. One that was granted to a waiter dropped in that very
    /// moment counts as lent and returned.
    pub acquired: u64,
    /// Leases that ended.
    pub returned: u64,
    /// Acquires whose time ran out.
    pub timed_out: u64,
    /// Acquires dropped while queued.
    pub cancelled: u64,
    /// Acquires turned away by a full queue.
    pub queue_full: u64,
    /// Acquires told that no session can be opened.
    pub failed: u64,
    /// Acquires turned away because the pool was closed.
    pub refused_closed: u64,
    /// Acquires turned away because the pool was paused.
    pub refused_paused: u64,
    /// Openings that succeeded.
    pub opened: u64,
    /// Openings that failed.
    pub open_failed: u64,
    /// Leases that lasted longer than `leak_detection`.
    pub leaked: u64,
    /// Checks of idle sessions, before they were lent or to keep them alive.
    pub checked: u64,
    /// Sessions gone, by reason.
    pub closed: Closed,
    /// Of those, how many ended without the remote end's word: `close` failed,
    /// took too long, or could not be called any more.
    pub close_failed: u64,
}

impl Counters {
    /// Acquires that have ended, in whatever way.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.acquired
            + self.timed_out
            + self.cancelled
            + self.queue_full
            + self.failed
            + self.refused_closed
            + self.refused_paused
    }
}

/// Sessions gone, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Unused for `idle_timeout`.
    pub expired: u64,
    /// Came back when `max_idle` were idle and nobody waited, or more than `max_size`
    /// there after a [`resize`](crate::Pool::resize).
    pub surplus: u64,
    /// Broken, by the session's own account.
    pub broken: u64,
    /// Could not be made fit for the next borrower.
    pub unclean: u64,
    /// Did not answer a check, or had been idle for longer than one that did not.
    pub dead: u64,
    /// The pool was closed or dropped.
    pub pool_closed: u64,
    /// The runtime they were opened on is gone.
    pub runtime_lost: u64,
    /// Opened before the backend was lost, or the pool flushed.
    pub stale: u64,
    /// Older than `max_lifetime`, or lent `max_uses` times.
    pub worn: u64,
    /// Ended while idle because the backend needed their room.
    pub recalled: u64,
    /// Discarded by their holders.
    pub discarded: u64,
    /// Taken out of the pool by their holders, who end them.
    pub detached: u64,
}

impl Closed {
    /// How many for each reason, in the order above.
    pub fn by_ending(&self) -> impl Iterator<Item = (Ending, u64)> + use<> {
        self.each().into_iter()
    }

    /// All reasons together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        let each = self.each();
        let (mut total, mut at) = (0, 0);
        while at < each.len() {
            total += each[at].1;
            at += 1;
        }
        total
    }

    /// One more is gone.
    pub(crate) const fn count(&mut self, ending: Ending) {
        *match ending {
            Ending::Expired => &mut self.expired,
            Ending::Surplus => &mut self.surplus,
            Ending::Broken => &mut self.broken,
            Ending::Unclean => &mut self.unclean,
            Ending::Dead => &mut self.dead,
            Ending::PoolClosed => &mut self.pool_closed,
            Ending::RuntimeLost => &mut self.runtime_lost,
            Ending::Stale => &mut self.stale,
            Ending::Worn => &mut self.worn,
            Ending::Recalled => &mut self.recalled,
            Ending::Discarded => &mut self.discarded,
            Ending::Detached => &mut self.detached,
        } += 1;
    }

    const fn each(&self) -> [(Ending, u64); 12] {
        [
            (Ending::Expired, self.expired),
            (Ending::Surplus, self.surplus),
            (Ending::Broken, self.broken),
            (Ending::Unclean, self.unclean),
            (Ending::Dead, self.dead),
            (Ending::PoolClosed, self.pool_closed),
            (Ending::RuntimeLost, self.runtime_lost),
            (Ending::Stale, self.stale),
            (Ending::Worn, self.worn),
            (Ending::Recalled, self.recalled),
            (Ending::Discarded, self.discarded),
            (Ending::Detached, self.detached),
        ]
    }
}

/// A class of work at one instant: [`Pool::classes`](crate::Pool::classes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The most sessions it may have at once; `None` leaves it to `max_size`.
    pub limit: Option<usize>,
    /// Sessions lent for work of this class.
    pub leased: usize,
    /// Tasks queued for work of this class.
    pub waiters: usize,
}

impl ClassStatus {
    /// True if no more sessions are lent for it until one comes back.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.leased >= limit)
    }
}

/// Somebody who has a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The session's number: the first that a pool opened is 1.
    pub session: u64,
    /// Where it was acquired.
    pub site: &'static Location<'static>,
    /// How long ago.
    pub held: Duration,
    /// The class of work it was acquired for.
    pub class: Option<Arc<str>>,
    pub(crate) task: Option<tokio::task::Id>,
}

impl Holder {
    /// The task it was acquired by; `None` in the root future of a runtime's `block_on`, and
    /// outside of one.
    #[must_use]
    pub const fn task(&self) -> Option<tokio::task::Id> {
        self.task
    }
}

/// `session 4 for 92.4s, acquired at src/report.rs:88:20 by task 17`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} for {:.1?}, acquired at {}", self.session, self.held, self.site)?;
        if let Some(class) = &self.class {
            write!(f, " for \"{class}\"")?;
        }
        match self.task {
            Some(task) => write!(f, " by task {task}"),
            None => Ok(()),
        }
    }
}

/// What [`Pool::close`](crate::Pool::close) achieved by its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Sessions ended since closing began, with the remote end's word.
    pub closed: u64,
    /// Sessions ended since then without it.
    pub failed: u64,
    /// Sessions still being opened, cleaned or ended; that goes on in the
    /// background, each within its own time limit.
    pub in_progress: usize,
    /// Sessions not given back, longest held first. Each is ended when it comes
    /// back.
    pub still_out: Vec<Holder>,
}

impl CloseReport {
    /// True if every session was ended with the remote end's word.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.in_progress == 0 && self.still_out.is_empty()
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} closed, {} failed", self.closed, self.failed)?;
        if self.in_progress > 0 {
            write!(f, ", {} in progress", self.in_progress)?;
        }
        write!(f, ", {} still out", self.still_out.len())?;
        self.still_out.iter().try_for_each(|holder| write!(f, "; {holder}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_called_what_its_counter_is() {
        let named = [
            ("expired", Closed { expired: 1, ..Closed::default() }),
            ("surplus", Closed { surplus: 1, ..Closed::default() }),
            ("broken", Closed { broken: 1, ..Closed::default() }),
            ("unclean", Closed { unclean: 1, ..Closed::default() }),
            ("dead", Closed { dead: 1, ..Closed::default() }),
            ("pool_closed", Closed { pool_closed: 1, ..Closed::default() }),
            ("runtime_lost", Closed { runtime_lost: 1, ..Closed::default() }),
            ("stale", Closed { stale: 1, ..Closed::default() }),
            ("worn", Closed { worn: 1, ..Closed::default() }),
            ("recalled", Closed { recalled: 1, ..Closed::default() }),
            ("discarded", Closed { discarded: 1, ..Closed::default() }),
            ("detached", Closed { detached: 1, ..Closed::default() }),
        ];
        let endings = Closed::default().by_ending().map(|(ending, _)| ending);
        assert!(endings.map(Ending::as_str).eq(named.map(|(word, _)| word)));
        for (word, closed) in named {
            let counted: Vec<_> = closed.by_ending().filter(|(_, count)| *count > 0).collect();
            let [(ending, 1)] = counted[..] else { panic!("{word}: {counted:?}") };
            let mut again = Closed::default();
            again.count(ending);
            assert_eq!((ending.as_str(), again), (word, closed));
        }
    }
}
