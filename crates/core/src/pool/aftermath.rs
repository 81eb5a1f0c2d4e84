//! What is left to do once the ledger's lock is released.

use std::task::Waker;

use super::outage::Failure;
use super::parcel::Parcel;
use super::places::PlaceId;
use crate::Session;
use crate::event::Event;

/// Whom to wake, which sessions to end, what to drop: other people's code, never
/// run under the lock.
///
/// The common case, one waiter and perhaps the janitor, takes no allocation.
#[must_use = "what is not carried out is lost: wake-ups, sessions to end"]
#[derive(Debug)]
pub(crate) struct Aftermath<S> {
    waiter: Option<Waker>,
    janitor: Option<Waker>,
    discarded: Option<Waker>,
    rare: Option<Box<Rare<S>>>,
}

/// What follows from few changes: a closing, a failed opening, a lost runtime.
#[derive(Debug)]
struct Rare<S> {
    wake: Vec<Waker>,
    abort: Vec<(PlaceId, S)>,
    failure: Option<Failure>,
    events: Vec<Event>,
}

impl<S> Aftermath<S> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { waiter: None, janitor: None, discarded: None, rare: None }
    }

    /// Wakes the waiter that was served.
    #[inline]
    pub(crate) fn wake(&mut self, waiter: Waker) {
        self.waiter = Some(waiter);
    }

    /// Calls the janitor; `waker` is what its seat answered.
    pub(crate) fn call(&mut self, waker: Option<Waker>) {
        if waker.is_some() {
            self.janitor = waker;
        }
    }

    /// Drops a waker nobody needs: even that may be other people's code.
    pub(crate) fn discard(&mut self, waker: Waker) {
        self.discarded = Some(waker);
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        let mut wakers = wakers.into_iter().peekable();
        if wakers.peek().is_some() {
            self.rare().wake.extend(wakers);
        }
    }

    /// Ends a session at once. Its place is still taken, and freed after that.
    pub(crate) fn abort(&mut self, place: PlaceId, session: S) {
        self.rare().abort.push((place, session));
    }

    /// Drops a failure that is no longer the last.
    pub(crate) fn forget(&mut self, failure: Option<Failure>) {
        if failure.is_some() {
            self.rare().failure = failure;
        }
    }

    /// Tells listeners.
    pub(crate) fn tell(&mut self, event: Event) {
        self.rare().events.push(event);
    }

    fn rare(&mut self) -> &mut Rare<S> {
        self.rare.get_or_insert_with(|| {
            let (wake, abort, events) = (Vec::new(), Vec::new(), Vec::new());
            Box::new(Rare { wake, abort, failure: None, events })
        })
    }
}

impl<S: Session> Aftermath<Parcel<S>> {
    /// True if there is nothing to do, as is most often so.
    #[inline]
    pub(crate) const fn is_nothing(&self) -> bool {
        let Self { waiter, janitor, discarded, rare } = self;
        waiter.is_none() && janitor.is_none() && discarded.is_none() && rare.is_none()
    }

    /// Does what there is to do, but for what it answers: which places are to be freed,
    /// their sessions being gone, and what is to be told.
    #[inline]
    pub(crate) fn carry_out(self) -> Option<(Vec<PlaceId>, Vec<Event>)> {
        let Self { waiter, janitor, discarded: _, rare } = self;
        let rest = rare.map(|rare| rare.carry_out());
        if let Some(waker) = waiter {
            waker.wake();
        }
        if let Some(waker) = janitor {
            waker.wake();
        }
        rest
    }
}

impl<S: Session> Rare<Parcel<S>> {
    fn carry_out(self) -> (Vec<PlaceId>, Vec<Event>) {
        let aborted = self.abort.into_iter().map(|(place, parcel)| {
            parcel.abort();
            place
        });
        let aborted = aborted.collect();
        self.wake.into_iter().for_each(Waker::wake);
        (aborted, self.events)
    }
}
