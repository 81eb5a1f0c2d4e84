//! What the books tell listeners. What callers do themselves, taking what is idle and
//! giving it back, is told by [`Shared`](crate::pool::shared::Shared): it happens most often.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Ledger, Refusal};
use crate::Condition;
use crate::event::{
    Acquire, Cancelled, Closed, Closing, Ending, Event, Lent, Queued, Reason, Refused, Returned,
    TimedOut, Waits,
};
use crate::pool::aftermath::Aftermath;
use crate::pool::places::{Borrower, Loan, PlaceId};
use crate::pool::queue::Request;

impl<S> Ledger<S> {
    /// Tells whoever listens.
    #[inline]
    pub(super) fn tell(&self, aftermath: &mut Aftermath<S>, event: impl FnOnce(&Self) -> Event) {
        if self.listened {
            aftermath.tell(event(self));
        }
    }

    /// A waiter was served.
    pub(super) fn tell_lent(&self, place: PlaceId, waits: Waits, aftermath: &mut Aftermath<S>) {
        if let Some(Loan { session, borrower }) = self.places.loan(place) {
            let acquire = self.acquire(&borrower);
            aftermath.tell(Event::Lent(Lent { acquire, session, waits }));
        }
    }

    /// A waiter that was served had gone.
    pub(super) fn tell_returned(&self, now: Instant, place: PlaceId, aftermath: &mut Aftermath<S>) {
        let Some(loan) = self.places.loan(place) else { return };
        self.tell(aftermath, |ledger| {
            let acquire = ledger.acquire(&loan.borrower);
            let (session, condition) = (loan.session, Condition::Clean);
            let (since, until) = (loan.borrower.since, now);
            Event::Returned(Returned { acquire, session, condition, since, until })
        });
    }

    pub(super) fn tell_queued(&self, request: &Request, aftermath: &mut Aftermath<S>) {
        self.tell(aftermath, |ledger| {
            let acquire = ledger.acquire(&request.borrower);
            Event::Queued(Queued { acquire, waiters: ledger.queue.len() })
        });
    }

    pub(super) fn tell_timed_out(
        &self,
        now: Instant,
        request: &Request,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            let acquire = ledger.acquire(&request.borrower);
            let (limit, phase) = (request.limit, ledger.phase(request.borrower.class));
            Event::TimedOut(TimedOut { acquire, limit, phase, waits: ledger.waits(now, request) })
        });
    }

    pub(super) fn tell_cancelled(
        &self,
        now: Instant,
        request: &Request,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            let acquire = ledger.acquire(&request.borrower);
            Event::Cancelled(Cancelled { acquire, waits: ledger.waits(now, request) })
        });
    }

    pub(super) fn tell_refused(
        &self,
        request: &Request,
        reason: Reason,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            Event::Refused(Refused { acquire: ledger.acquire(&request.borrower), reason })
        });
    }

    /// An acquire was not let in.
    pub(super) fn tell_turned_away(
        &self,
        now: Instant,
        request: &Request,
        refusal: &Refusal,
        aftermath: &mut Aftermath<S>,
    ) {
        let reason = match refusal {
            Refusal::NoTime(_) => return self.tell_timed_out(now, request, aftermath),
            Refusal::Closed => Reason::PoolClosed,
            Refusal::Paused => Reason::Paused,
            Refusal::QueueFull { .. } => Reason::QueueFull,
            Refusal::Rejected(failure) => Reason::Failed(failure.fault),
            Refusal::NoRuntime => Reason::NoRuntime,
        };
        self.tell_refused(request, reason, aftermath);
    }

    pub(super) fn tell_closing(
        &self,
        place: PlaceId,
        ending: Ending,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            Event::Closing(Closing { session, ending })
        });
    }

    /// The place is still taken.
    pub(super) fn tell_closed(
        &self,
        now: Instant,
        place: PlaceId,
        ending: Ending,
        confirmed: bool,
        aftermath: &mut Aftermath<S>,
    ) {
        self.tell(aftermath, |ledger| {
            let session = ledger.places.number(place);
            let age = now.saturating_duration_since(ledger.places.opened_at(place));
            Event::Closed(Closed { session, ending, age, confirmed })
        });
    }

    pub(super) fn acquire(&self, borrower: &Borrower) -> Acquire {
        let class = borrower.class.map(|class| Arc::clone(&self.classes.share(class).name));
        Acquire { site: borrower.site, class }
    }

    /// What that acquire has waited for.
    pub(crate) fn waits(&self, now: Instant, request: &Request) -> Waits {
        let Request { borrower, opening_mark, checking_mark, full_mark, .. } = request;
        let waited = now.saturating_duration_since(borrower.since);
        // While its class has all it may have, nothing that is opened serves it.
        let full = self.classes.full_since(*full_mark, now, borrower.class);
        let open = waited.saturating_sub(full);
        let opening = self.opening_time.added_since(*opening_mark, now).min(open);
        let checking = self.checking_time.added_since(*checking_mark, now);
        let checking = checking.min(open.saturating_sub(opening));
        let queueing = waited.saturating_sub(opening).saturating_sub(checking);
        Waits { queueing, checking, opening }
    }
}
