//! Tasks queued for a session, first come first served.

use std::task::Waker;
use std::time::Duration;

use slab::Slab;
use tokio::time::Instant;

use super::classes::ClassId;
use super::outage::Failure;
use super::places::{Borrower, PlaceId};
use super::stopwatch::Nanos;

/// Which waiter; it belongs to one acquire and is valid until that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u32);

/// What an acquire brings when it joins the queue.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) waker: Waker,
    pub(crate) borrower: Borrower,
    pub(crate) limit: Duration,
    /// The reading of the pool's opening stopwatch when it joined; the ledger
    /// fills it in.
    pub(crate) opening_mark: Nanos,
    /// And of its checking stopwatch.
    pub(crate) checking_mark: Nanos,
    /// And of the time its class had all it may have.
    pub(crate) full_mark: Nanos,
}

impl Request {
    pub(crate) fn new(waker: Waker, borrower: Borrower, limit: Duration) -> Self {
        let not_yet = Nanos::default();
        let (opening_mark, checking_mark, full_mark) = (not_yet, not_yet, not_yet);
        Self { waker, borrower, limit, opening_mark, checking_mark, full_mark }
    }

    /// When its time is over; `None` is never.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.borrower.since.checked_add(self.limit)
    }
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Verdict<S> {
    Granted(PlaceId, S),
    Failed(Box<Failure>),
    Closed,
    Paused,
    TimedOut,
}

#[derive(Debug)]
enum State<S> {
    /// In line, between these two.
    Queued { before: Option<u32>, after: Option<u32> },
    /// Out of the line; the acquire has yet to come and see.
    Decided(Verdict<S>),
}

#[derive(Debug)]
struct Waiter<S> {
    request: Request,
    /// Which one it was to join.
    number: u64,
    state: State<S>,
}

/// Those who wait for sessions of one class, in the order in which they joined.
#[derive(Debug, Default)]
struct Line {
    head: Option<u32>,
    tail: Option<u32>,
    len: usize,
}

/// What an acquire learns about its place in the queue.
#[derive(Debug)]
pub(crate) enum Seen<S> {
    StillQueued,
    Granted(PlaceId, S),
    /// Anything else, which is rare, and large.
    Told(Box<(Request, Verdict<S>)>),
}

/// Doubly linked lists through a slab: joining, leaving from the middle and
/// serving the head take constant time, and freed places are used again, so that
/// waiting costs no allocation.
///
/// Each class has a line of its own, since one may have to wait while others are
/// served; who joined first among the heads of lines tells the number.
#[derive(Debug)]
pub(crate) struct Queue<S> {
    waiters: Slab<Waiter<S>>,
    /// Those of no class.
    plain: Line,
    classed: Vec<Line>,
    len: usize,
    /// How many have joined so far.
    joined: u64,
    /// No queued waiter's deadline is earlier. Not exact: leaving does not
    /// raise it, the next look at all deadlines does.
    earliest: Option<Instant>,
}

impl<S> Queue<S> {
    pub(crate) fn new(classes: usize) -> Self {
        Self {
            waiters: Slab::new(),
            plain: Line::default(),
            classed: (0..classes).map(|_| Line::default()).collect(),
            len: 0,
            joined: 0,
            earliest: None,
        }
    }

    /// How many wait.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many wait for a session of that class; `None` is of no class.
    pub(crate) fn len_of(&self, class: Option<ClassId>) -> usize {
        self.line(class).len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Since when the first in line has waited.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.first(|_| true).map(|first| self.waiter(first.0).request.borrower.since)
    }

    /// When a deadline may pass next.
    pub(crate) const fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    pub(crate) fn join(&mut self, request: Request) -> Ticket {
        if let Some(deadline) = request.deadline() {
            self.earliest = Some(self.earliest.map_or(deadline, |earliest| earliest.min(deadline)));
        }
        let class = request.borrower.class;
        let before = self.line(class).tail;
        let state = State::Queued { before, after: None };
        let waiter = Waiter { request, number: self.joined, state };
        let index = self.waiters.insert(waiter) as u32;
        match before {
            Some(tail) => self.set_after(tail, Some(index)),
            None => self.line_mut(class).head = Some(index),
        }
        let line = self.line_mut(class);
        line.tail = Some(index);
        line.len += 1;
        self.len += 1;
        self.joined += 1;
        Ticket(index)
    }

    /// Who joined first, among those of no class and of the classes that may be
    /// served.
    #[inline]
    pub(crate) fn first(&self, may_be_served: impl Fn(ClassId) -> bool) -> Option<Ticket> {
        if self.classed.is_empty() || self.len == 0 {
            return self.plain.head.map(Ticket);
        }
        let classed = self.classed.iter().enumerate();
        let served = classed.filter(|(index, _)| may_be_served(ClassId::new(*index)));
        let heads = served.filter_map(|(_, line)| line.head).chain(self.plain.head);
        heads.min_by_key(|head| self.waiter(*head).number).map(Ticket)
    }

    /// Ends a wait: `verdict` is given what was asked for. Answers whom to wake.
    pub(crate) fn decide(
        &mut self,
        Ticket(index): Ticket,
        verdict: impl FnOnce(&Request) -> Verdict<S>,
    ) -> Waker {
        self.unlink(index);
        let waiter = self.waiter_mut(index);
        waiter.state = State::Decided(verdict(&waiter.request));
        std::mem::replace(&mut waiter.request.waker, Waker::noop().clone())
    }

    /// Those whose deadline has passed.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Ticket> {
        let mut overdue = Vec::new();
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return overdue;
        }
        self.earliest = None;
        for head in self.heads() {
            let mut at = head;
            while let Some(index) = at {
                at = self.after(index);
                match self.waiter(index).request.deadline() {
                    Some(deadline) if deadline <= now => overdue.push(Ticket(index)),
                    Some(deadline) => {
                        self.earliest = Some(self.earliest.map_or(deadline, |e| e.min(deadline)));
                    }
                    None => {}
                }
            }
        }
        overdue
    }

    /// Takes the decision to the acquire that came to see; it has left then.
    #[inline]
    pub(crate) fn see(&mut self, ticket: Ticket) -> Seen<S> {
        match self.waiter(ticket.0).state {
            State::Queued { .. } => Seen::StillQueued,
            State::Decided(_) => {
                let waiter = self.waiters.remove(ticket.0 as usize);
                match waiter.state {
                    State::Decided(Verdict::Granted(place, session)) => {
                        Seen::Granted(place, session)
                    }
                    State::Decided(verdict) => Seen::Told(Box::new((waiter.request, verdict))),
                    State::Queued { .. } => unreachable!("decided a line ago"),
                }
            }
        }
    }

    /// Leaves without waiting any longer: the request, and the verdict if one
    /// had been given.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> (Request, Option<Verdict<S>>) {
        if let State::Queued { .. } = self.waiter(ticket.0).state {
            self.unlink(ticket.0);
        }
        let waiter = self.waiters.remove(ticket.0 as usize);
        match waiter.state {
            State::Queued { .. } => (waiter.request, None),
            State::Decided(verdict) => (waiter.request, Some(verdict)),
        }
    }

    pub(crate) fn request(&self, ticket: Ticket) -> &Request {
        &self.waiter(ticket.0).request
    }

    pub(crate) fn deadline(&self, ticket: Ticket) -> Option<Instant> {
        self.waiter(ticket.0).request.deadline()
    }

    pub(crate) fn is_woken_by(&self, ticket: Ticket, waker: &Waker) -> bool {
        self.waiter(ticket.0).request.waker.will_wake(waker)
    }

    /// Exchanges the waker; the old one is to be dropped outside the lock.
    pub(crate) fn set_waker(&mut self, ticket: Ticket, waker: Waker) -> Waker {
        std::mem::replace(&mut self.waiter_mut(ticket.0).request.waker, waker)
    }

    /// Everybody in line, to be woken without a verdict. Who still wants to
    /// wait leaves a new waker when it comes to see.
    pub(crate) fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::with_capacity(self.len);
        for head in self.heads() {
            let mut at = head;
            while let Some(index) = at {
                at = self.after(index);
                let waker = &mut self.waiter_mut(index).request.waker;
                wakers.push(std::mem::replace(waker, Waker::noop().clone()));
            }
        }
        wakers
    }

    /// The head of each line.
    fn heads(&self) -> Vec<Option<u32>> {
        std::iter::once(&self.plain).chain(&self.classed).map(|line| line.head).collect()
    }

    fn unlink(&mut self, index: u32) {
        let State::Queued { before, after } = self.waiter(index).state else {
            unreachable!("only who stands in line steps out of it")
        };
        let class = self.waiter(index).request.borrower.class;
        match before {
            Some(before) => self.set_after(before, after),
            None => self.line_mut(class).head = after,
        }
        match after {
            Some(after) => self.set_before(after, before),
            None => self.line_mut(class).tail = before,
        }
        self.line_mut(class).len -= 1;
        self.len -= 1;
        if self.len == 0 {
            self.earliest = None;
        }
    }

    fn line(&self, class: Option<ClassId>) -> &Line {
        class.map_or(&self.plain, |class| &self.classed[class.index()])
    }

    fn line_mut(&mut self, class: Option<ClassId>) -> &mut Line {
        match class {
            None => &mut self.plain,
            Some(class) => &mut self.classed[class.index()],
        }
    }

    fn waiter(&self, index: u32) -> &Waiter<S> {
        &self.waiters[index as usize]
    }

    fn waiter_mut(&mut self, index: u32) -> &mut Waiter<S> {
        &mut self.waiters[index as usize]
    }

    fn after(&self, index: u32) -> Option<u32> {
        match self.waiter(index).state {
            State::Queued { after, .. } => after,
            State::Decided(_) => None,
        }
    }

    fn set_after(&mut self, index: u32, to: Option<u32>) {
        if let State::Queued { after, .. } = &mut self.waiter_mut(index).state {
            *after = to;
        }
    }

    fn set_before(&mut self, index: u32, to: Option<u32>) {
        if let State::Queued { before, .. } = &mut self.waiter_mut(index).state {
            *before = to;
        }
    }
}
