//! What is done to the pool, and told to the reference.

use std::panic::{self, AssertUnwindSafe};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use sessionpool_core::{AcquireError, AcquireOptions, Lease, Pause, ReleaseError};
use sessionpool_testkit::{ScriptedError, Verb};
use tokio::runtime::Handle;

use super::{Borrowed, Closer, History, Releasing};
use crate::backend::TracedSession;
use crate::case::{CLASSES, End, Manner, Patience, Plan, State, Step};
use crate::hand::Hand;
use crate::model::{Answer, Waiting};
use crate::trace::{Outcome, Who};

impl History {
    /// Does it; `None` where there is nothing to do it to.
    pub(super) fn step(&mut self, step: &Step) -> Option<()> {
        match *step {
            Step::Acquire(patience, class) => self.acquire(patience, class),
            Step::TryAcquire => self.try_acquire(),
            Step::Poll { waiter, moved } => self.poll(pick(&self.waiters, waiter)?, moved),
            Step::PollWoken => self.poll(self.waiters.iter().position(Hand::was_woken)?, false),
            Step::Leave(waiter) => self.leave(pick(&self.waiters, waiter)?),
            Step::Return { lease, state, manner } => {
                self.give_back(pick(&self.leases, lease)?, state, manner);
            }
            Step::Release { lease, state } => self.release(pick(&self.leases, lease)?, state),
            Step::PollRelease(release) => self.poll_release(pick(&self.releases, release)?),
            Step::DropRelease(release) => self.drop_release(pick(&self.releases, release)?),
            Step::Backend(verb, plan) => self.direct(verb, plan),
            // Time passes in between.
            Step::Advance(_) => {}
            Step::Flush => self.flush(),
            Step::Pause(pause) => self.pause(pause),
            Step::Resume => self.resume(),
            Step::Resize(more) => self.resize(self.settings.smallest_size() + more),
            Step::Close(deadline) => self.close(deadline),
            Step::PollClose(closer) => self.poll_close(pick(&self.closers, closer)?),
            Step::DropClose(closer) => drop(self.closers.remove(pick(&self.closers, closer)?)),
        }
        Some(())
    }

    fn acquire(&mut self, patience: Patience, class: Option<usize>) {
        let name = self.name();
        let pool = self.pool.clone();
        let class = class.and_then(|class| pick(&self.settings.classes, class));
        let (limit, mut options) = match patience {
            Patience::PoolsOwn => (self.settings.patience(class), AcquireOptions::new()),
            Patience::Of(limit) => (limit, AcquireOptions::new().timeout(limit)),
        };
        if let Some(class) = class {
            options = options.class(CLASSES[class]);
        }
        let acquire = async move { pool.acquire_with(options).await };
        let mut hand = Hand::new(acquire, Who::Waiter(name), &self.trace);
        let polled = hand.poll(false);
        let seen = match &polled {
            Poll::Ready(answer) => told(answer),
            Poll::Pending => Answer::Queued,
        };
        assert_eq!(seen, self.model.acquire(name, limit, class, seen), "the answer to an acquire");
        match polled {
            Poll::Pending => self.waiters.push(hand),
            Poll::Ready(Ok(lease)) => self.borrow(lease),
            Poll::Ready(Err(error)) => {
                let waiting = self.model.waiting(name, limit, class);
                self.check_error(&error, &waiting);
            }
        }
    }

    /// What comes with an error that is no wait's.
    fn check_error(&self, error: &AcquireError, waiting: &Waiting) {
        match error {
            AcquireError::TimedOut(timed_out) => {
                self.model.check_timed_out(waiting, timed_out);
                assert_eq!(timed_out.status, self.pool.status());
            }
            AcquireError::QueueFull { status, .. } => {
                // As it was before a session was checked for the next to come.
                let mut before = self.pool.status();
                let begun = before.counters.checked - status.counters.checked;
                before.counters.checked -= begun;
                before.idle += begun as usize;
                before.checking -= begun as usize;
                assert_eq!(**status, before);
            }
            _ => {}
        }
    }

    fn try_acquire(&mut self) {
        let answer = self.pool.try_acquire();
        let seen = answer.as_ref().map(|lease| lease.id()).map_err(|error| *error);
        assert_eq!(seen, self.model.try_acquire(), "the answer to a try_acquire");
        if let Ok(lease) = answer {
            self.borrow(lease);
        }
    }

    fn poll(&mut self, at: usize, moved: bool) {
        let polled = self.waiters[at].poll(moved);
        let name = self.waiters[at].name();
        match (polled, self.model.poll(name)) {
            (Poll::Pending, None) => {}
            (Poll::Ready(answer), Some((waiting, verdict))) => {
                self.waiters.remove(at);
                assert_eq!(told(&answer), verdict.told(), "what became of waiter {name}");
                if let Err(AcquireError::TimedOut(timed_out)) = &answer {
                    self.model.check_timed_out(&waiting, timed_out);
                    assert_eq!(timed_out.status, self.pool.status());
                }
                if let Ok(lease) = answer {
                    self.borrow(lease);
                }
            }
            (polled, expected) => panic!("waiter {name}: {polled:?} instead of {expected:?}"),
        }
    }

    /// Polls somebody who was woken, if there is anybody.
    pub(super) fn poll_any_woken(&mut self) -> bool {
        if let Some(at) = self.waiters.iter().position(Hand::was_woken) {
            self.poll(at, false);
        } else if let Some(at) = self.releases.iter().position(|it| it.hand.was_woken()) {
            self.poll_release(at);
        } else if let Some(at) = self.closers.iter().position(|it| it.hand.was_woken()) {
            self.poll_close(at);
        } else {
            return false;
        }
        true
    }

    pub(super) fn leave(&mut self, at: usize) {
        let hand = self.waiters.remove(at);
        let name = hand.name();
        drop(hand);
        self.model.leave(name);
    }

    fn borrow(&mut self, lease: Lease<TracedSession>) {
        self.leases.push(Borrowed { session: lease.id(), hold: lease.hold(), lease });
    }

    pub(super) fn give_back(&mut self, at: usize, state: State, manner: Manner) {
        let Borrowed { session, mut lease, hold } = self.leases.remove(at);
        drop(hold);
        lease.leave_in(state);
        let state = match (manner, state) {
            // Whatever was being done was not finished.
            (Manner::WhileUnwinding, State::Clean) => State::Dirty,
            _ => state,
        };
        match manner {
            Manner::Plainly => drop(lease),
            Manner::OnAnotherThread => drop_on_another_thread(lease, self.knows_time(state)),
            Manner::WhileUnwinding => drop_while_unwinding(lease),
        }
        self.model.give_back(session, state);
    }

    /// A thread outside of the runtime does not know its virtual time, by which alone it can
    /// be told for how long a session is idle, or a class full.
    fn knows_time(&self, state: State) -> Option<Handle> {
        let needs_time = state == State::Clean || !self.settings.classes.is_empty();
        needs_time.then(Handle::current)
    }

    fn release(&mut self, at: usize, state: State) {
        let Borrowed { session, mut lease, hold } = self.leases.remove(at);
        drop(hold);
        lease.leave_in(state);
        let who = Who::Releaser(self.name());
        let mut hand = Hand::new(lease.release(), who, &self.trace);
        let polled = hand.poll(false);
        self.model.release(session, state);
        match (polled, state) {
            (Poll::Ready(answer), State::Clean) => assert!(answer.is_ok(), "{answer:?}"),
            (Poll::Ready(answer), State::Broken | State::Lost) => {
                assert!(matches!(answer, Err(ReleaseError::Broken { .. })), "{answer:?}");
            }
            (Poll::Ready(answer), State::Dirty) => {
                self.released.push((session, outcome(&answer)));
            }
            (Poll::Pending, _) => self.releases.push(Releasing { session, hand }),
        }
    }

    fn poll_release(&mut self, at: usize) {
        if let Poll::Ready(answer) = self.releases[at].hand.poll(true) {
            let Releasing { session, .. } = self.releases.remove(at);
            self.released.push((session, outcome(&answer)));
        }
    }

    pub(super) fn drop_release(&mut self, at: usize) {
        let Releasing { session, hand } = self.releases.remove(at);
        self.model.abandon_release(session);
        drop(hand);
    }

    fn direct(&mut self, verb: Verb, plan: Plan) {
        self.scripted.always(verb, plan.act());
        self.model.set_plan(verb, plan);
        if verb == Verb::Open {
            self.trace.set_opens_unclean(matches!(plan.ends, End::Unclean));
        }
    }

    fn flush(&mut self) {
        self.model.flush();
        self.pool.flush();
    }

    fn pause(&mut self, pause: Pause) {
        self.model.pause(pause);
        self.pool.pause(pause);
    }

    fn resume(&mut self) {
        self.model.resume();
        self.pool.resume();
    }

    fn resize(&mut self, max_size: usize) {
        self.model.resize(max_size);
        self.pool.resize(max_size).expect("a valid size");
    }

    pub(super) fn close(&mut self, limit: Duration) {
        let who = Who::Closer(self.name());
        let pool = self.pool.clone();
        let hand = Hand::new(async move { pool.close(limit).await }, who, &self.trace);
        let deadline = self.trace.now().saturating_add(limit);
        self.model.close();
        self.closers.push(Closer { deadline, hand });
        self.poll_close(self.closers.len() - 1);
    }

    pub(super) fn poll_close(&mut self, at: usize) {
        let polled = self.closers[at].hand.poll(true);
        assert_eq!(polled.is_ready(), self.is_over(&self.closers[at]), "closing: {polled:?}");
        if let Poll::Ready(report) = polled {
            self.closers.remove(at);
            self.model.check_report(&report);
        }
    }

    fn name(&mut self) -> u32 {
        self.names += 1;
        self.names
    }
}

/// The place of one of those there are, if there are any.
fn pick<T>(among: &[T], number: usize) -> Option<usize> {
    number.checked_rem(among.len())
}

fn drop_on_another_thread(lease: Lease<TracedSession>, runtime: Option<Handle>) {
    let dropping = thread::spawn(move || {
        let _inside = runtime.as_ref().map(Handle::enter);
        drop(lease);
    });
    dropping.join().expect("dropping a lease does not panic");
}

fn drop_while_unwinding(lease: Lease<TracedSession>) {
    let unwound = panic::catch_unwind(AssertUnwindSafe(move || {
        let _lease = lease;
        panic::resume_unwind(Box::new("a borrower's own"))
    }));
    assert!(unwound.is_err_and(|panic| panic.is::<&str>()), "it is the borrower's panic");
}

fn told(answer: &Result<Lease<TracedSession>, AcquireError>) -> Answer {
    match answer {
        Ok(lease) => Answer::Lent(lease.id()),
        Err(AcquireError::Closed) => Answer::Closed,
        Err(AcquireError::Paused) => Answer::Paused,
        Err(AcquireError::QueueFull { .. }) => Answer::QueueFull,
        Err(AcquireError::TimedOut(_)) => Answer::TimedOut,
        Err(AcquireError::Failed { fault, .. }) => Answer::Failed(*fault),
        Err(error) => panic!("{error}, inside of one"),
    }
}

/// How the cleaning ended of which a release was told so.
fn outcome(answer: &Result<(), ReleaseError>) -> Outcome {
    let cause = match answer {
        Ok(()) => return Outcome::Well,
        Err(ReleaseError::TimedOut { .. }) => return Outcome::CutOff,
        Err(ReleaseError::Failed { cause, .. }) => cause,
        Err(error) => panic!("{error}, but it was not"),
    };
    let scripted = cause.downcast_ref::<ScriptedError>();
    scripted.map_or(Outcome::Panicked, |error| Outcome::Badly(error.fault))
}
