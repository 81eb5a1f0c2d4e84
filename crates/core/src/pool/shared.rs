//! What the pool's handles, leases, waiters and janitor share: the books, and the
//! one way to change them.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use super::aftermath::Aftermath;
use super::classes::ClassId;
use super::clock::Clock;
use super::hooks::Hooks;
use super::ledger::{Ledger, Refusal, Round};
use super::listeners::{Listeners, News};
use super::opener::Opener;
use super::outage::Failure;
use super::parcel::Parcel;
use super::places::{Borrower, Home, Loan, PlaceId};
use super::queue::{Request, Seen, Ticket, Verdict};
use super::settings::{Limits, Settings};
use super::watchers::WatcherId;
use crate::error::{Cause, LastFailure, TimedOut};
use crate::event::{Acquire, Ending, Event, HookFailed, Lent, Returned, Waits};
use crate::status::{ClassStatus, CloseReport, Closed, Holder, Status};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::{AcquireError, Condition, ConfigError, Fault, Pause, Session, call};

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

/// How many holders a time-out names.
const HOLDERS_NAMED: usize = 5;

/// A janitor that has not looked for so long, though it was called, is not merely
/// late.
const STALLED: Duration = Duration::from_millis(100);

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

// ===== acquiring =====

impl<S: Session> Shared<S> {
    #[inline]
    pub(crate) fn lend(
        &self,
        site: &'static Location<'static>,
        class: Option<ClassId>,
    ) -> Option<(PlaceId, Parcel<S>)> {
        let task = tokio::task::try_id();
        let (place, parcel, number) = self.change(|books, aftermath| {
            let since = books.clock.stamp();
            let borrower = Borrower { site, task, class, since };
            let (place, parcel) = books.ledger.lend(borrower, aftermath)?;
            books.ledger.counters.requested += 1;
            let (number, _) = books.ledger.places.session(place);
            Some((place, parcel, number))
        })?;
        self.tell_lent(site, class, number);
        Some((place, parcel))
    }

    /// Lends at once, but none of these sessions.
    pub(crate) fn lend_unless(
        &self,
        site: &'static Location<'static>,
        not: &BTreeSet<u64>,
    ) -> Option<(PlaceId, Parcel<S>)> {
        let task = tokio::task::try_id();
        let (place, parcel, number) = self.change(|books, aftermath| {
            let since = books.clock.stamp();
            let borrower = Borrower { site, task, class: None, since };
            let (place, parcel) = books.ledger.lend_unless(borrower, not, aftermath)?;
            books.ledger.counters.requested += 1;
            let (number, _) = books.ledger.places.session(place);
            Some((place, parcel, number))
        })?;
        self.tell_lent(site, None, number);
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
            let now = Instant::now();
            let ledger = &mut books.ledger;
            let borrower = Borrower { site, task, class, since: now };
            ledger.counters.requested += 1;
            if let Some((place, parcel)) = ledger.lend(borrower, aftermath) {
                aftermath.discard(waker);
                let (number, _) = ledger.places.session(place);
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

    /// Sees to it that there is a janitor; answers whether it is a new one.
    pub(crate) fn ensure_janitor(self: &Arc<Self>) -> Result<bool, NoJanitor> {
        let runtime = runtime::Handle::try_current().ok();
        let id = runtime.as_ref().map(runtime::Handle::id);
        let home = {
            let mut books = self.books();
            let home = books.ledger.seat_janitor(id);
            if books.ledger.seat.is_empty() {
                return Err(NoJanitor);
            }
            home
        };
        self.start_janitor(home, runtime.as_ref());
        Ok(home.is_some())
    }

    fn start_janitor(self: &Arc<Self>, home: Option<Home>, runtime: Option<&runtime::Handle>) {
        if let (Some(home), Some(runtime)) = (home, runtime) {
            super::janitor::Janitor::start(self, home, runtime);
        }
    }

    /// Starts a janitor at once if there is a stock to keep and a runtime to do
    /// it on.
    pub(crate) fn fill_stock(self: &Arc<Self>) {
        let min_idle = self.books().ledger.limits.min_idle;
        if min_idle > 0 {
            let _ = self.ensure_janitor();
        }
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
pub(crate) struct NoJanitor;

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

// ===== coming back =====

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
        self.change(|books, aftermath| books.ledger.opened(now, place, parcel, jitter, aftermath));
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
        self.change(|books, aftermath| {
            books.ledger.could_not_clean(place, condition, aftermath);
        });
    }

    pub(crate) fn gone(&self, place: PlaceId, confirmed: bool) {
        let now = Instant::now();
        self.change(|books, aftermath| books.ledger.gone(now, place, confirmed, aftermath));
    }
}

// ===== telling of it =====

/// What callers do themselves, and most often, is told straight; everything else by way
/// of the books.
impl<S: Session> Shared<S> {
    /// What is lent there, if anybody wants to know.
    #[inline]
    fn heard(&self, books: &Books<S>, place: PlaceId) -> Option<Loan> {
        if self.listeners.is_empty() { None } else { books.ledger.places.loan(place) }
    }

    #[inline]
    fn tell_lent(&self, site: &'static Location<'static>, class: Option<ClassId>, session: u64) {
        if !self.listeners.is_empty() {
            let (acquire, waits) = (self.acquire(site, class), Waits::default());
            let lent = Lent { acquire, session, waits };
            self.listeners.each(|pool, listener| listener.lent(pool, &lent));
        }
    }

    #[inline]
    fn tell_returned(&self, loan: Option<Loan>, now: Instant, condition: Condition) {
        if let Some(Loan { session, borrower }) = loan {
            let (acquire, since) = (self.acquire(borrower.site, borrower.class), borrower.since);
            let returned = Returned { acquire, session, condition, since, until: now };
            self.listeners.each(|pool, listener| listener.returned(pool, &returned));
        }
    }

    /// A hook failed, and its session is closed all the same.
    pub(crate) fn tell_hook_failed(&self, place: PlaceId, hook: &'static str, cause: Cause) {
        let (session, _) = self.session(place);
        self.listeners.tell(&Event::HookFailed(HookFailed { session, hook, cause }));
    }

    #[inline]
    fn acquire(&self, site: &'static Location<'static>, class: Option<ClassId>) -> Acquire {
        let name = |class: ClassId| Arc::clone(&self.settings.classes[class.index()].name);
        Acquire { site, class: class.map(name) }
    }
}

// ===== the janitor =====

impl<S: Session> Shared<S> {
    /// Everything that is due, and what there is to tell of it.
    pub(crate) fn round(&self) -> (Round<Parcel<S>>, Option<News>) {
        let now = Instant::now();
        let mut aftermath = Aftermath::new();
        let round = self.books().ledger.round(now, &mut aftermath);
        let Some((aborted, events)) = aftermath.carry_out() else { return (round, None) };
        self.finish(aborted, &[]);
        let news = (!events.is_empty()).then(|| News::new(&self.listeners, events));
        (round, news)
    }

    pub(crate) fn janitor_was_called(&self, waker: Waker) -> bool {
        let (called, _spare) = self.books().ledger.seat.was_called(waker);
        called
    }

    pub(crate) fn janitor_lost(&self, home: Home) {
        self.change(|books, aftermath| books.ledger.janitor_lost(home, aftermath));
    }

    pub(crate) fn time_is_virtual(&self) {
        self.books().clock.time_is_virtual();
    }
}

// ===== control =====

impl<S: Session> Shared<S> {
    pub(crate) fn flush(&self) {
        self.change(|books, aftermath| books.ledger.flush(aftermath));
    }

    pub(crate) fn recall_idle(&self, sessions: usize) -> usize {
        self.change(|books, aftermath| books.ledger.recall_idle(sessions, aftermath))
    }

    pub(crate) fn open_again(&self) {
        self.change(|books, aftermath| books.ledger.open_again(aftermath));
    }

    pub(crate) fn pause(&self, pause: Pause) {
        self.change(|books, aftermath| books.ledger.pause(pause, aftermath));
    }

    pub(crate) fn resume(self: &Arc<Self>) {
        let now = Instant::now();
        let runtime = runtime::Handle::try_current().ok();
        let id = runtime.as_ref().map(runtime::Handle::id);
        let home = self.change(|books, aftermath| {
            books.ledger.resume(now, aftermath);
            books.ledger.seat_janitor_for_work(id)
        });
        self.start_janitor(home, runtime.as_ref());
    }

    pub(crate) fn resize(&self, max_size: usize) -> Result<(), ConfigError> {
        let now = Instant::now();
        self.change(|books, aftermath| {
            books.ledger.limits.check_size(max_size)?;
            books.ledger.resize(now, max_size, aftermath);
            Ok(())
        })
    }
}

// ===== warming =====

impl<S: Session> Shared<S> {
    pub(crate) fn want_open(&self, id: WatcherId, sessions: usize) {
        self.change(|books, aftermath| books.ledger.want_open(id, sessions, aftermath));
    }

    pub(crate) fn want_open_no_more(&self, id: WatcherId) {
        self.change(|books, aftermath| books.ledger.want_open_no_more(id, aftermath));
    }

    pub(crate) fn another_opened(
        &self,
        id: WatcherId,
        before: u64,
        waker: &Waker,
    ) -> Poll<Option<u64>> {
        let waker = waker.clone(); // other people's code
        self.change(|books, aftermath| books.ledger.another_opened(id, before, waker, aftermath))
    }
}

// ===== closing =====

impl<S: Session> Shared<S> {
    pub(crate) fn close(&self) {
        self.change(|books, aftermath| books.ledger.close(aftermath));
    }

    pub(crate) fn is_closed(&self) -> bool {
        !self.books().ledger.is_open()
    }

    pub(crate) fn is_drained(&self, closer: WatcherId, waker: Waker) -> bool {
        self.change(|books, aftermath| books.ledger.is_drained(closer, waker, aftermath))
    }

    pub(crate) fn stop_waiting(&self, closer: WatcherId) {
        self.change(|books, aftermath| books.ledger.stop_waiting(closer, aftermath));
    }

    pub(crate) fn close_report(&self) -> CloseReport {
        let now = Instant::now();
        let books = self.books();
        let ledger = &books.ledger;
        let leased = ledger.places.tally().leased;
        let before = ledger.before_close.as_deref().copied().unwrap_or_default();
        let ended = |closed: &Closed| closed.total() - closed.detached;
        let gone = ended(&ledger.counters.closed) - ended(&before.closed);
        let failed = ledger.counters.close_failed - before.close_failed;
        CloseReport {
            closed: gone - failed,
            failed,
            in_progress: ledger.places.taken() - leased,
            still_out: ledger.holders(now, usize::MAX),
        }
    }
}

// ===== insight =====

impl<S: Session> Shared<S> {
    pub(crate) fn status(&self) -> Status {
        let now = Instant::now();
        self.books().ledger.status(now)
    }

    /// A session's number, and its age.
    pub(crate) fn session(&self, place: PlaceId) -> (u64, Duration) {
        let now = Instant::now();
        let (number, opened) = self.books().ledger.places.session(place);
        (number, now.saturating_duration_since(opened))
    }

    pub(crate) fn holders(&self) -> Vec<Holder> {
        let now = Instant::now();
        self.books().ledger.holders(now, usize::MAX)
    }

    pub(crate) fn classes(&self) -> Vec<ClassStatus> {
        self.books().ledger.classes().collect()
    }

    pub(crate) fn unknown_class(&self, class: &str) -> AcquireError {
        let known = self.settings.classes.iter().map(|class| Arc::clone(&class.name)).collect();
        AcquireError::UnknownClass { pool: self.settings.name.clone(), class: class.into(), known }
    }

    /// What is known about why `request` was not served within `limit`.
    pub(crate) fn diagnose(&self, request: &Request) -> TimedOut {
        let now = Instant::now();
        let books = self.books();
        let ledger = &books.ledger;
        let borrower = &request.borrower;
        let waits = ledger.waits(now, request);
        TimedOut {
            pool: self.settings.name.clone(),
            limit: request.limit,
            phase: ledger.phase(borrower.class),
            class: borrower.class.map(|class| ledger.class(class)),
            runtime_stalled: waits.total() >= STALLED && ledger.seat.is_stuck_since(borrower.since),
            queueing: waits.queueing,
            checking: waits.checking,
            opening: waits.opening,
            status: ledger.status(now),
            last_failure: ledger.outage.last().map(|last| LastFailure {
                fault: last.fault,
                cause: last.cause.clone(),
                age: now.saturating_duration_since(last.at),
                streak: ledger.outage.streak(),
            }),
            holders: ledger.holders(now, HOLDERS_NAMED),
            held_by_this_task: ledger.held_by(borrower.task),
            task_is_known: borrower.task.is_some(),
        }
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
