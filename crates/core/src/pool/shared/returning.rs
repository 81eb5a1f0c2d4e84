//! Sessions that come back, were opened, or are gone.

use tokio::time::Instant;

use super::{Books, Shared};
use crate::event::Ending;
use crate::pool::aftermath::Aftermath;
use crate::pool::outage::Failure;
use crate::pool::parcel::Parcel;
use crate::pool::places::PlaceId;
use crate::{Condition, Fault, Session, call};

impl<S: Session> Shared<S> {
    /// A lease ended.
    #[inline]
    pub(crate) fn take_back(&self, place: PlaceId, parcel: Parcel<S>) {
        let condition = match call::condition(&parcel.session) {
            // Whatever was being done was not finished.
            Condition::Clean if std::thread::panicking() => Condition::Dirty,
            condition => condition,
        };
        self.return_of(place, condition, |books, now, aftermath| {
            books.ledger.give_back(now, place, parcel, condition, aftermath);
        });
    }

    /// A lease ended whose session is not to be lent again.
    pub(crate) fn give_up(&self, place: PlaceId, parcel: Parcel<S>, ending: Ending) {
        let condition = call::condition(&parcel.session);
        self.return_of(place, condition, |books, now, aftermath| {
            books.ledger.give_up(now, place, parcel, ending, condition, aftermath);
        });
    }

    /// A lease ended whose session its holder keeps.
    pub(crate) fn detach(&self, place: PlaceId, condition: Condition) {
        self.return_of(place, condition, |books, now, aftermath| {
            books.ledger.detach(now, place, aftermath);
        });
    }

    /// Changes the books as a lease ends.
    #[inline]
    fn return_of(
        &self,
        place: PlaceId,
        condition: Condition,
        change: impl FnOnce(&mut Books<S>, Instant, &mut Aftermath<Parcel<S>>),
    ) {
        self.change_and_tell(
            |books, aftermath| {
                let now = books.clock.stamp();
                let loan = self.heard(books, place);
                change(books, now, aftermath);
                (loan, now)
            },
            |(loan, now)| self.tell_returned(*loan, *now, condition),
        );
    }

    pub(crate) fn opened(&self, place: PlaceId, parcel: Parcel<S>) {
        let (now, jitter) = (Instant::now(), fastrand::f64());
        let idle_limit = call::idle_limit(&parcel.session);
        self.change(|books, aftermath| {
            books.ledger.opened(now, place, parcel, jitter, aftermath);
            if let Some(limit) = idle_limit {
                books.ledger.heed_idle_limit(limit, aftermath);
            }
        });
    }

    pub(crate) fn open_failed(&self, place: PlaceId, failure: &Failure) {
        let jitter = fastrand::f64();
        self.change(|books, aftermath| books.ledger.open_failed(place, failure, jitter, aftermath));
    }

    pub(crate) fn open_abandoned(&self, place: PlaceId, failure: &Failure) {
        self.change(|books, aftermath| books.ledger.open_abandoned(place, failure, aftermath));
    }

    pub(crate) fn cleaned(&self, place: PlaceId, parcel: Parcel<S>) {
        let now = Instant::now();
        self.change(|books, aftermath| books.ledger.cleaned(now, place, parcel, aftermath));
    }

    pub(crate) fn checked(&self, place: PlaceId, parcel: Parcel<S>, since: Instant) {
        let now = Instant::now();
        self.change(|books, aftermath| {
            books.ledger.checked(now, place, parcel, since, aftermath);
        });
    }

    pub(crate) fn check_failed(&self, place: PlaceId, fault: Fault, alive: Instant) {
        let now = Instant::now();
        self.change(|books, aftermath| {
            books.ledger.check_failed(now, place, fault, alive, aftermath);
        });
    }

    pub(crate) fn could_not_clean(&self, place: PlaceId, condition: Condition) {
        let now = Instant::now();
        self.change(|books, aftermath| {
            books.ledger.could_not_clean(now, place, condition, aftermath);
        });
    }

    pub(crate) fn gone(&self, place: PlaceId, confirmed: bool) {
        let now = Instant::now();
        self.change(|books, aftermath| books.ledger.gone(now, place, confirmed, aftermath));
    }
}
