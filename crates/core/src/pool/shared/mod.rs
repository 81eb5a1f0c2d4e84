//! What the pool's handles, leases, waiters and janitor share: the books, and the
//! one way to change them.

mod acquiring;
mod control;
mod insight;
mod returning;
mod telling;

use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;

use crate::event::Event;
use crate::pool::aftermath::Aftermath;
use crate::pool::clock::Clock;
use crate::pool::hooks::Hooks;
use crate::pool::ledger::Ledger;
use crate::pool::listeners::Listeners;
use crate::pool::opener::Opener;
use crate::pool::parcel::Parcel;
use crate::pool::places::PlaceId;
use crate::pool::settings::{Limits, Settings};
use crate::sync::{Mutex, MutexGuard};
use crate::{Session, WeakAnyPool};

pub(crate) use acquiring::{Ask, Entry, Sight};

pub(crate) struct Shared<S: Session> {
    pub(crate) opener: Box<dyn Opener<S>>,
    pub(crate) hooks: Hooks<S>,
    pub(crate) settings: Settings,
    listeners: Listeners,
    crowded: AtomicBool,
    books: Mutex<Books<S>>,
}

struct Books<S> {
    clock: Clock,
    ledger: Ledger<Parcel<S>>,
}

impl<S: Session> Shared<S> {
    pub(crate) fn new(
        opener: Box<dyn Opener<S>>,
        settings: Settings,
        limits: Limits,
        listeners: Listeners,
        hooks: Hooks<S>,
    ) -> Self {
        let ledger = Ledger::new(limits, &settings.classes, !listeners.is_empty());
        let listeners = listeners.of(settings.name.clone());
        let books = Mutex::new(Books { clock: Clock::new(), ledger });
        Self { opener, hooks, settings, listeners, crowded: AtomicBool::new(false), books }
    }

    /// Has each listener say whom to tell of this pool.
    pub(crate) fn heard_by_listeners(self, line: &WeakAnyPool) -> Self {
        Self { listeners: self.listeners.attached(line), ..self }
    }

    #[inline]
    fn books(&self) -> MutexGuard<'_, Books<S>> {
        // Nothing under the lock panics, and if it did, the books would still be
        // better than none.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the books, then does what follows from it, in that order.
    #[inline]
    fn change<R>(&self, change: impl FnOnce(&mut Books<S>, &mut Aftermath<Parcel<S>>) -> R) -> R {
        self.change_and_tell(change, |_| {})
    }

    /// [`change`](Self::change), and `tell` of it before what follows is told.
    #[inline]
    fn change_and_tell<R>(
        &self,
        change: impl FnOnce(&mut Books<S>, &mut Aftermath<Parcel<S>>) -> R,
        tell: impl FnOnce(&R),
    ) -> R {
        let mut aftermath = Aftermath::new();
        let answer = change(&mut self.books(), &mut aftermath);
        if aftermath.is_nothing() {
            std::mem::forget(aftermath); // nor is there anything to drop
            tell(&answer);
        } else {
            let rest = aftermath.carry_out();
            tell(&answer);
            if let Some((aborted, events)) = rest {
                self.finish(aborted, &events);
            }
        }
        answer
    }

    fn finish(&self, aborted: Vec<PlaceId>, events: &[Event]) {
        events.iter().for_each(|event| self.listeners.tell(event));
        aborted.into_iter().for_each(|place| self.gone(place, false));
    }
}

impl<S: Session> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The backend is left out: it may hold credentials.
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// What the models look at and play themselves: the janitor's seat, the time.
#[cfg(all(test, any(sessionpool_loom, sessionpool_shuttle)))]
impl<S: Session> Shared<S> {
    pub(crate) fn ledger<R>(
        &self,
        change: impl FnOnce(&mut Ledger<Parcel<S>>, &mut Aftermath<Parcel<S>>) -> R,
    ) -> R {
        self.change(|books, aftermath| change(&mut books.ledger, aftermath))
    }
}
