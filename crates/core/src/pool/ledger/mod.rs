//! The pool's books: who has what, since when, who waits.
//!
//! One struct under one short lock, with no clock and no await of its own: what
//! time it is comes in as an argument, and what has to happen outside the lock
//! (waking, ending) goes out as an [`Aftermath`](super::aftermath::Aftermath). Every rule
//! about who gets which session is in this folder, and the loom models run this very code.

mod checking;
mod closing;
mod control;
mod failing;
mod flushing;
mod insight;
mod lending;
mod opening;
mod retiring;
mod returning;
mod rounds;
mod telling;
mod warming;

use std::collections::VecDeque;

use tokio::time::Instant;

use self::warming::Wish;
use crate::pool::classes::Classes;
use crate::pool::idle::IdleStack;
use crate::pool::janitor::Seat;
use crate::pool::outage::{Failure, Outage};
use crate::pool::places::{Borrower, PlaceId, Places};
use crate::pool::queue::Queue;
use crate::pool::settings::Limits;
use crate::pool::stopwatch::Stopwatch;
use crate::pool::watchers::Watchers;
use crate::status::{Counters, Status};
use crate::{ClassSettings, Pause};

#[derive(Debug)]
pub(crate) struct Ledger<S> {
    pub(super) limits: Limits,
    pub(super) places: Places,
    pub(super) queue: Queue<S>,
    pub(super) classes: Classes,
    pub(super) outage: Outage,
    pub(super) seat: Seat,
    pub(super) counters: Counters,
    pub(super) opening_time: Stopwatch,
    pub(super) checking_time: Stopwatch,
    /// True if anybody listens to what happens.
    pub(super) listened: bool,
    idle: IdleStack<S>,
    errands: VecDeque<Errand<S>>,
    open: bool,
    pub(super) pause: Option<Pause>,
    /// Worn sessions to be closed, but not before their successors are there.
    retiring: VecDeque<Errand<S>>,
    /// How many idle sessions the backend has recalled since anybody asked for one.
    recalled: usize,
    /// Somebody turned away wants to know whether the outage is over.
    probe: bool,
    /// The counters when closing began, to report what came after.
    pub(super) before_close: Option<Box<Counters>>,
    /// Who waits for the last session to end.
    closers: Watchers,
    /// Who wants more sessions open, and how many.
    wishes: Vec<Wish>,
    /// Who waits for that.
    warmers: Watchers,
}

/// Work for the janitor: it concerns one place, and takes time.
#[derive(Debug)]
pub(crate) struct Errand<S> {
    pub(crate) place: PlaceId,
    pub(crate) work: Work<S>,
}

#[derive(Debug)]
pub(crate) enum Work<S> {
    Open,
    Check { session: S, since: Instant, alive: Instant },
    Clean(S),
    Close(S),
}

/// Why an acquire may not join the queue.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed,
    Paused,
    QueueFull {
        max_waiters: usize,
        status: Box<Status>,
    },
    Rejected(Box<Failure>),
    /// It was given no time at all.
    NoTime(Box<Borrower>),
    NoRuntime,
}

/// What the janitor is to do, and when to come again.
#[derive(Debug)]
pub(crate) struct Round<S> {
    pub(crate) errands: VecDeque<Errand<S>>,
    pub(crate) next: Option<Instant>,
    /// Nothing is open and nobody waits: the janitor has left its seat.
    pub(crate) over: bool,
}

impl<S> Ledger<S> {
    pub(crate) fn new(limits: Limits, classes: &[ClassSettings], listened: bool) -> Self {
        Self {
            limits,
            places: Places::new(),
            queue: Queue::new(classes.len()),
            classes: Classes::new(classes),
            outage: Outage::new(),
            seat: Seat::new(),
            counters: Counters::default(),
            opening_time: Stopwatch::new(),
            checking_time: Stopwatch::new(),
            listened,
            idle: IdleStack::new(),
            errands: VecDeque::new(),
            open: true,
            pause: None,
            retiring: VecDeque::new(),
            recalled: 0,
            probe: false,
            before_close: None,
            closers: Watchers::new(),
            wishes: Vec::new(),
            warmers: Watchers::new(),
        }
    }
}
