//! Closing for good.

use std::task::Waker;

use super::Ledger;
use crate::event::{Ending, Event, Reason};
use crate::pool::aftermath::Aftermath;
use crate::pool::queue::Verdict;

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
        aftermath.call(self.seat.call());
    }

    /// True if every session is gone; otherwise `waker` is woken when that is so.
    /// Each closer has a number of its own, and one waker.
    pub(crate) fn is_drained(
        &mut self,
        closer: u64,
        waker: Waker,
        aftermath: &mut Aftermath<S>,
    ) -> bool {
        let drained = self.places.taken() == 0;
        let known = self.closers.iter_mut().find(|(number, _)| *number == closer);
        match known {
            _ if drained => aftermath.discard(waker),
            Some((_, old)) => aftermath.discard(std::mem::replace(old, waker)),
            None => self.closers.push((closer, waker)),
        }
        drained
    }

    /// A closer's deadline passed, or it was dropped.
    pub(crate) fn stop_waiting(&mut self, closer: u64, aftermath: &mut Aftermath<S>) {
        if let Some(at) = self.closers.iter().position(|(number, _)| *number == closer) {
            aftermath.discard(self.closers.swap_remove(at).1);
        }
    }
}
