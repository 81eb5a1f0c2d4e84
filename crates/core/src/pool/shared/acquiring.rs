//! Who gets a session, or a place in the queue.

use std::panic::Location;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use super::Shared;
use crate::Session;
use crate::pool::classes::ClassId;
use crate::pool::ledger::Refusal;
use crate::pool::parcel::Parcel;
use crate::pool::places::{Borrower, PlaceId};
use crate::pool::queue::{Request, Seen, Ticket, Verdict};
use crate::sync::Arc;

impl<S: Session> Shared<S> {
    /// An idle session, if there is one that may be lent at once.
    #[inline]
    pub(crate) fn lend(
        &self,
        site: &'static Location<'static>,
        class: Option<ClassId>,
    ) -> Option<(PlaceId, Parcel<S>)> {
        self.lend_where(|_| true, site, class)
    }

    /// The same, but only of the sessions whose number is meant.
    #[inline]
    pub(crate) fn lend_where(
        &self,
        is_meant: impl Fn(u64) -> bool,
        site: &'static Location<'static>,
        class: Option<ClassId>,
    ) -> Option<(PlaceId, Parcel<S>)> {
        let task = tokio::task::try_id();
        let (place, parcel, number) = self.change(|books, aftermath| {
            let since = books.clock.stamp();
            let borrower = Borrower { site, task, class, since };
            let (place, parcel) = books.ledger.lend_where(is_meant, borrower, aftermath)?;
            books.ledger.counters.requested += 1;
            let number = books.ledger.places.number(place);
            Some((place, parcel, number))
        })?;
        self.tell_lent(site, class, number);
        Some((place, parcel))
    }

    /// Lends at once or not at all.
    pub(crate) fn try_lend(
        &self,
        site: &'static Location<'static>,
    ) -> Option<(PlaceId, Parcel<S>)> {
        let lent = self.lend(site, None);
        if lent.is_none() {
            let now = Instant::now();
            self.change(|books, aftermath| books.ledger.check_for_the_next(now, aftermath));
        }
        lent
    }

    /// True if the last acquire had to wait: likely so must this one. A hint, to
    /// spare it a look under the lock that would find nothing.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    fn set_crowded(&self, crowded: bool) {
        if self.is_crowded() != crowded {
            self.crowded.store(crowded, Ordering::Relaxed);
        }
    }

    /// Lends at once, or queues the acquire. Starts a janitor where there is none.
    pub(crate) fn lend_or_join(self: &Arc<Self>, ask: Ask) -> Result<Entry<S>, Refusal> {
        let runtime = runtime::Handle::try_current().ok();
        let id = runtime.as_ref().map(runtime::Handle::id);
        let Ask { waker, site, task, class, limit } = ask;
        let (entry, home) = self.change(|books, aftermath| {
            let now = books.clock.stamp_wait(limit);
            let ledger = &mut books.ledger;
            let borrower = Borrower { site, task, class, since: now };
            ledger.counters.requested += 1;
            if let Some((place, parcel)) = ledger.lend(borrower, aftermath) {
                aftermath.discard(waker);
                let number = ledger.places.number(place);
                return (Ok(Entry::Lent { place, parcel, number }), None);
            }
            let request = Request::new(waker, borrower, limit);
            let joined = ledger.join(now, request, id, aftermath);
            let home = ledger.seat_janitor_for_work(id);
            let elsewhere = ledger.seat.runtime() != id;
            (joined.map(|ticket| Entry::Queued { ticket, elsewhere }), home)
        });
        if let Ok(Entry::Lent { number, .. }) = entry {
            self.tell_lent(site, class, number);
        }
        self.set_crowded(matches!(entry, Ok(Entry::Queued { .. })));
        self.start_janitor(home, runtime.as_ref());
        entry
    }

    /// What became of a waiter, or a promise to wake it. `waker` is only asked
    /// for when the one left before would wake somebody else.
    pub(crate) fn see(&self, ticket: Ticket, waker: &Waker) -> Sight<S> {
        let mut fresh = None;
        loop {
            let mut books = self.books();
            let ledger = &mut books.ledger;
            match ledger.see(ticket) {
                Seen::Granted(place, parcel) => return Sight::Granted(place, parcel),
                Seen::Told(told) => return Sight::Told(told),
                Seen::StillQueued => {}
            }
            let sight = match ledger.seat.is_empty() {
                true => Sight::Orphaned,
                false => Sight::StillQueued {
                    janitor: ledger.seat.runtime(),
                    deadline: ledger.queue.deadline(ticket),
                },
            };
            if ledger.queue.is_woken_by(ticket, waker) {
                return sight;
            }
            let old = fresh.take().map(|fresh| ledger.queue.set_waker(ticket, fresh));
            drop(books);
            if old.is_some() {
                return sight;
            }
            fresh = Some(waker.clone());
        }
    }

    pub(crate) fn leave(&self, ticket: Ticket, gave_up: bool) {
        self.change(|books, aftermath| {
            let now = books.clock.stamp();
            books.ledger.leave(now, ticket, gave_up, aftermath);
        });
    }

    /// Ends the waits whose time is over; for waiters that keep their own time.
    pub(crate) fn expire_waiters(&self) {
        let now = Instant::now();
        self.change(|books, aftermath| books.ledger.time_is_over(now, aftermath));
    }
}

/// What an acquire asks with.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) waker: Waker,
    pub(crate) site: &'static Location<'static>,
    pub(crate) task: Option<tokio::task::Id>,
    pub(crate) class: Option<ClassId>,
    pub(crate) limit: Duration,
}

/// How an acquire gets in.
#[derive(Debug)]
pub(crate) enum Entry<S> {
    Lent {
        place: PlaceId,
        parcel: Parcel<S>,
        number: u64,
    },
    /// `elsewhere` is where the janitor lives: on another runtime, which may stand
    /// still while this one runs.
    Queued {
        ticket: Ticket,
        elsewhere: bool,
    },
}

#[derive(Debug)]
pub(crate) enum Sight<S> {
    /// `janitor` is the runtime it lives on.
    StillQueued {
        janitor: Option<runtime::Id>,
        deadline: Option<Instant>,
    },
    /// Queued, and no janitor.
    Orphaned,
    Granted(PlaceId, Parcel<S>),
    Told(Box<(Request, Verdict<Parcel<S>>)>),
}
