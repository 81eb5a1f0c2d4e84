//! What makes every session there is a suspect one.

use super::Ledger;
use crate::event::{Ending, Event, Flushed};
use crate::pool::aftermath::Aftermath;
use crate::pool::places::PlaceId;
use crate::{Condition, Fault};

impl<S> Ledger<S> {
    /// A session that is broken may be one of many.
    #[inline]
    pub(super) fn heed(
        &mut self,
        place: PlaceId,
        condition: Condition,
        aftermath: &mut Aftermath<S>,
    ) {
        if let Condition::Broken(fault) = condition {
            self.met(fault, place, aftermath);
        }
    }

    /// A session met that fault, or an opening did. When the backend is lost, every
    /// session opened before is suspect; once for all of those.
    pub(crate) fn met(&mut self, fault: Fault, place: PlaceId, aftermath: &mut Aftermath<S>) {
        let news = !self.places.is_stale(place) && self.places.has_fresh_sessions();
        if fault == Fault::BackendLost && news {
            self.flush(aftermath);
        }
    }

    /// Every session opened before now is suspect: idle ones end, others when they
    /// come back.
    pub(crate) fn flush(&mut self, aftermath: &mut Aftermath<S>) {
        self.places.next_generation();
        let generation = self.places.generation();
        self.tell(aftermath, |_| Event::Flushed(Flushed { generation }));
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::Stale, aftermath);
        }
        self.send_retiring(usize::MAX, aftermath);
        self.call_if_opening_wanted(aftermath);
    }
}
