//! What callers do themselves, and most often, is told straight; everything else by way
//! of the books.

use std::panic::Location;

use tokio::time::Instant;

use super::{Books, Shared};
use crate::error::Cause;
use crate::event::{Acquire, Event, HookFailed, Lent, Returned, Waits};
use crate::pool::classes::ClassId;
use crate::pool::places::{Loan, PlaceId};
use crate::sync::Arc;
use crate::{Condition, Session};

impl<S: Session> Shared<S> {
    /// What is lent there, if anybody wants to know.
    #[inline]
    pub(super) fn heard(&self, books: &Books<S>, place: PlaceId) -> Option<Loan> {
        if self.listeners.is_empty() { None } else { books.ledger.places.loan(place) }
    }

    #[inline]
    pub(super) fn tell_lent(
        &self,
        site: &'static Location<'static>,
        class: Option<ClassId>,
        session: u64,
    ) {
        if !self.listeners.is_empty() {
            let (acquire, waits) = (self.acquire(site, class), Waits::default());
            let lent = Lent { acquire, session, waits };
            self.listeners.each(|pool, listener| listener.lent(pool, &lent));
        }
    }

    #[inline]
    pub(super) fn tell_returned(&self, loan: Option<Loan>, now: Instant, condition: Condition) {
        if let Some(Loan { session, borrower }) = loan {
            let (acquire, since) = (self.acquire(borrower.site, borrower.class), borrower.since);
            let returned = Returned { acquire, session, condition, since, until: now };
            self.listeners.each(|pool, listener| listener.returned(pool, &returned));
        }
    }

    /// A hook failed, and its session is closed all the same.
    pub(crate) fn tell_hook_failed(&self, place: PlaceId, hook: &'static str, cause: Cause) {
        let session = self.number(place);
        self.listeners.tell(&Event::HookFailed(HookFailed { session, hook, cause }));
    }

    #[inline]
    fn acquire(&self, site: &'static Location<'static>, class: Option<ClassId>) -> Acquire {
        let name = |class: ClassId| Arc::clone(&self.settings.classes[class.index()].name);
        Acquire { site, class: class.map(name) }
    }
}
