//! Sessions that callers want open before they need them.

use std::task::{Poll, Waker};

use super::Ledger;
use crate::pool::aftermath::Aftermath;
use crate::pool::watchers::WatcherId;

/// Somebody wants so many sessions open.
#[derive(Debug)]
pub(crate) struct Wish {
    id: WatcherId,
    sessions: usize,
}

impl<S> Ledger<S> {
    pub(crate) fn want_open(
        &mut self,
        id: WatcherId,
        sessions: usize,
        aftermath: &mut Aftermath<S>,
    ) {
        self.wishes.push(Wish { id, sessions });
        self.call_if_opening_wanted(aftermath);
    }

    pub(crate) fn want_open_no_more(&mut self, id: WatcherId, aftermath: &mut Aftermath<S>) {
        self.wishes.retain(|wish| wish.id != id);
        if let Some(waker) = self.warmers.leave(id) {
            aftermath.discard(waker);
        }
        self.call_if_nothing_is_left(aftermath);
    }

    /// True if fewer are open than somebody wants, and one more could stay.
    pub(super) fn is_wish_open(&self) -> bool {
        let most = self.wishes.iter().map(|wish| wish.sessions).max().unwrap_or(0);
        let opening = self.places.tally().opening;
        self.staying() < most.min(self.limits.max_size)
            && self.idle.len() + opening < self.limits.max_idle()
            && !self.outage.is_rejected()
    }

    /// How many sessions have been opened, once that is more than `before`, or there is
    /// nobody to open any; `None` once there is no more to come. Otherwise `waker` is woken
    /// when that may be so.
    pub(crate) fn another_opened(
        &mut self,
        id: WatcherId,
        before: u64,
        waker: Waker,
        aftermath: &mut Aftermath<S>,
    ) -> Poll<Option<u64>> {
        let opened = self.counters.opened;
        let is_over = || self.places.tally().opening == 0 && !self.is_wish_open();
        let answer = match opened > before {
            true => Poll::Ready(Some(opened)),
            false if !self.open || is_over() => Poll::Ready(None),
            false if self.seat.is_empty() && self.pause.is_none() => Poll::Ready(Some(opened)),
            false => Poll::Pending,
        };
        let spare = match answer {
            Poll::Ready(_) => Some(waker),
            Poll::Pending => self.warmers.watch(id, waker),
        };
        if let Some(waker) = spare {
            aftermath.discard(waker);
        }
        answer
    }

    /// Something changed for those who want more open.
    pub(super) fn wake_warmers(&mut self, aftermath: &mut Aftermath<S>) {
        aftermath.wake_all(self.warmers.take());
    }
}
