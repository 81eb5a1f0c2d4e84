//! Closing for good.

use std::task::Waker;

use super::Ledger;
use crate::event::{Ending, Event, Reason};
use crate::pool::aftermath::Aftermath;
use crate::pool::queue::Verdict;
use crate::pool::watchers::WatcherId;

impl<S> Ledger<S> {
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Nothing is lent from now on: waiters fail, idle sessions end, leased ones
    /// end when they come back.
    pub(crate) fn close(&mut self, aftermath: &mut Aftermath<S>) {
        if !self.open {
            return;
        }
        self.open = false;
        self.before_close = Some(Box::new(self.counters));
        self.tell(aftermath, |_| Event::PoolClosed);
        self.counters.refused_closed +=
            self.answer_all(|| Verdict::Closed, Reason::PoolClosed, aftermath);
        while let Some(idle) = self.idle.pop() {
            self.end(idle.place, idle.session, Ending::PoolClosed, aftermath);
        }
        self.wake_warmers(aftermath);
        aftermath.call(self.seat.call());
    }

    /// True if every session is gone; otherwise `waker` is woken when that is so.
    pub(crate) fn is_drained(
        &mut self,
        closer: WatcherId,
        waker: Waker,
        aftermath: &mut Aftermath<S>,
    ) -> bool {
        let drained = self.places.taken() == 0;
        let spare = if drained { Some(waker) } else { self.closers.watch(closer, waker) };
        if let Some(waker) = spare {
            aftermath.discard(waker);
        }
        drained
    }

    /// A closer's deadline passed, or it was dropped.
    pub(crate) fn stop_waiting(&mut self, closer: WatcherId, aftermath: &mut Aftermath<S>) {
        if let Some(waker) = self.closers.leave(closer) {
            aftermath.discard(waker);
        }
    }
}
