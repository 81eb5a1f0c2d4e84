//! Runs one history: does each step to the pool and tells the reference, lets the
//! pool come to rest, and compares.
//!
//! Futures are polled by hand and time is virtual, so that a history with
//! concurrent acquires, releases and closes is one sequence of steps, and the same
//! one each time.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use sessionpool_core::{
    AcquireError, AcquireOptions, CloseReport, Counters, Lease, Pool, ReleaseError,
};
use sessionpool_testkit::{Hold, Scripted, ScriptedError, Verb};
use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::backend::{Traced, TracedSession};
use crate::case::{Case, End, Ending, Manner, Patience, Plan, Settings, Span, State, Step};
use crate::model::{Answer, Model};
use crate::trace::{Bell, Outcome, Trace, Who};

/// Runs it to its end, and tells what the pool counted.
///
/// # Panics
///
/// Where the pool and the reference differ.
pub(crate) fn run(case: &Case) -> Counters {
    fastrand::seed(case.jitter);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be had").block_on(async {
        let mut history = History::begin(&case.settings);
        history.compare().await;
        for step in &case.steps {
            history.step(step);
            history.pass(step).await;
            history.compare().await;
            while case.attentive && history.poll_any_woken() {
                history.compare().await;
            }
        }
        history.end(case.ending).await
    })
}

struct History {
    settings: Settings,
    pool: Pool<TracedSession>,
    scripted: Scripted,
    trace: Trace,
    model: Model,
    waiters: Vec<Hand<Result<Lease<TracedSession>, AcquireError>>>,
    leases: Vec<Borrowed>,
    releases: Vec<Releasing>,
    /// What releases were told, to be compared.
    released: Vec<(u64, Outcome)>,
    closers: Vec<Closer>,
    names: u32,
}

struct Borrowed {
    session: u64,
    lease: Lease<TracedSession>,
    hold: Hold,
}

struct Releasing {
    session: u64,
    hand: Hand<Result<(), ReleaseError>>,
}

struct Closer {
    deadline: Duration,
    hand: Hand<CloseReport>,
}

// ===== doing =====

impl History {
    fn begin(settings: &Settings) -> Self {
        let scripted = Scripted::new().at_most(settings.max_size);
        let trace = Trace::begin();
        let backend = Traced { scripted: scripted.clone(), trace: trace.clone() };
        let pool = settings.apply(Pool::builder(backend)).build();
        Self {
            settings: settings.clone(),
            pool: pool.expect("only valid settings are drawn"),
            scripted,
            trace,
            model: Model::new(settings.clone()),
            waiters: Vec::new(),
            leases: Vec::new(),
            releases: Vec::new(),
            released: Vec::new(),
            closers: Vec::new(),
            names: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Acquire(patience) => self.acquire(patience),
            Step::TryAcquire => self.try_acquire(),
            Step::Poll { waiter, moved } => {
                if let Some(at) = pick(&self.waiters, waiter) {
                    self.poll(at, moved);
                }
            }
            Step::PollWoken => {
                if let Some(at) = self.waiters.iter().position(Hand::was_woken) {
                    self.poll(at, false);
                }
            }
            Step::Leave(waiter) => {
                if let Some(at) = pick(&self.waiters, waiter) {
                    self.leave(at);
                }
            }
            Step::Return { lease, state, manner } => {
                if let Some(at) = pick(&self.leases, lease) {
                    self.give_back(at, state, manner);
                }
            }
            Step::Release { lease, state } => {
                if let Some(at) = pick(&self.leases, lease) {
                    self.release(at, state);
                }
            }
            Step::PollRelease(release) => {
                if let Some(at) = pick(&self.releases, release) {
                    self.poll_release(at);
                }
            }
            Step::DropRelease(release) => {
                if let Some(at) = pick(&self.releases, release) {
                    self.drop_release(at);
                }
            }
            Step::Backend(verb, plan) => self.direct(verb, plan),
            Step::Advance(_) => {}
            Step::Close(deadline) => self.close(deadline),
            Step::PollClose(closer) => {
                if let Some(at) = pick(&self.closers, closer) {
                    self.poll_close(at);
                }
            }
            Step::DropClose(closer) => {
                if let Some(at) = pick(&self.closers, closer) {
                    self.closers.remove(at);
                }
            }
        }
    }

    fn acquire(&mut self, patience: Patience) {
        let name = self.name();
        let pool = self.pool.clone();
        let (limit, future) = match patience {
            Patience::PoolsOwn => {
                (self.settings.acquire_timeout, boxed(async move { pool.acquire().await }))
            }
            Patience::Of(limit) => {
                let options = AcquireOptions::new().timeout(limit);
                (limit, boxed(async move { pool.acquire_with(options).await }))
            }
        };
        let mut hand = Hand::new(future, Who::Waiter(name), &self.trace);
        let polled = hand.poll(false);
        let seen = match &polled {
            Poll::Ready(answer) => told(answer),
            Poll::Pending => Answer::Queued,
        };
        assert_eq!(seen, self.model.acquire(name, limit, seen), "the answer to an acquire");
        match polled {
            Poll::Pending => self.waiters.push(hand),
            Poll::Ready(Ok(lease)) => self.borrow(lease),
            Poll::Ready(Err(error)) => self.check_error(&error, name, limit),
        }
    }

    /// What comes with an error that is no wait's.
    fn check_error(&self, error: &AcquireError, name: u32, limit: Duration) {
        match error {
            AcquireError::TimedOut(timed_out) => {
                let waiting = self.model.waiting(name, limit);
                self.model.check_timed_out(&waiting, timed_out);
                assert_eq!(timed_out.status, self.pool.status());
            }
            AcquireError::QueueFull { status, .. } => assert_eq!(**status, self.pool.status()),
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
    fn poll_any_woken(&mut self) -> bool {
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

    fn leave(&mut self, at: usize) {
        let hand = self.waiters.remove(at);
        self.model.leave(hand.name());
    }

    fn borrow(&mut self, lease: Lease<TracedSession>) {
        self.leases.push(Borrowed { session: lease.id(), hold: lease.hold(), lease });
    }

    fn give_back(&mut self, at: usize, state: State, manner: Manner) {
        let Borrowed { session, mut lease, hold } = self.leases.remove(at);
        drop(hold);
        lease.leave_in(state);
        let state = match (manner, state) {
            // Whatever was being done was not finished.
            (Manner::WhileUnwinding, State::Clean) => State::Dirty,
            _ => state,
        };
        self.model.give_back(session, state);
        match manner {
            Manner::Plainly => drop(lease),
            Manner::OnAnotherThread => drop_on_another_thread(lease, state),
            Manner::WhileUnwinding => drop_while_unwinding(lease),
        }
    }

    fn release(&mut self, at: usize, state: State) {
        let Borrowed { session, mut lease, hold } = self.leases.remove(at);
        drop(hold);
        lease.leave_in(state);
        self.model.release(session, state);
        let who = Who::Releaser(self.name());
        let mut hand = Hand::new(boxed(lease.release()), who, &self.trace);
        match (hand.poll(false), state) {
            (Poll::Ready(answer), State::Clean) => assert!(answer.is_ok(), "{answer:?}"),
            (Poll::Ready(answer), State::Broken) => {
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

    fn drop_release(&mut self, at: usize) {
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

    fn close(&mut self, limit: Duration) {
        let who = Who::Closer(self.name());
        let pool = self.pool.clone();
        let hand = Hand::new(boxed(async move { pool.close(limit).await }), who, &self.trace);
        let deadline = self.trace.now().saturating_add(limit);
        self.model.close();
        self.closers.push(Closer { deadline, hand });
        self.poll_close(self.closers.len() - 1);
    }

    fn poll_close(&mut self, at: usize) {
        let polled = self.closers[at].hand.poll(true);
        assert_eq!(polled.is_ready(), self.is_over(&self.closers[at]), "closing: {polled:?}");
        if let Poll::Ready(report) = polled {
            self.closers.remove(at);
            self.model.check_report(&report);
        }
    }

    fn is_over(&self, closer: &Closer) -> bool {
        self.model.is_drained() || closer.deadline <= self.trace.now()
    }

    fn name(&mut self) -> u32 {
        self.names += 1;
        self.names
    }
}

// ===== comparing =====

impl History {
    async fn pass(&self, step: &Step) {
        let Step::Advance(span) = step else { return };
        let time = match span {
            Span::Of(time) => *time,
            Span::IdleTimeout => self.settings.idle_timeout.unwrap_or(Duration::from_secs(10)),
            Span::AcquireTimeout => self.settings.acquire_timeout,
        };
        sleep(time).await;
    }

    async fn compare(&mut self) {
        rest(&self.trace).await;
        self.model.read(&self.trace.take(), self.trace.now());
        self.model.check_status(&self.pool.status());
        self.model.check_book(&self.scripted.book(), self.leases.len());
        assert_eq!(self.released, self.model.take_released(), "what releases were told");
        self.released.clear();
        self.check_wakes();
    }

    /// Whoever has something to learn knows it.
    fn check_wakes(&self) {
        for hand in &self.waiters {
            let learns = self.model.is_decided(hand.name());
            assert!(hand.was_woken() || !learns, "{:?} was not woken", hand.who);
        }
        for Releasing { session, hand } in &self.releases {
            let ends = self.model.release_ends(*session).expect("it has begun");
            assert!(hand.was_woken() || ends > self.trace.now(), "{:?} was not woken", hand.who);
        }
        for closer in &self.closers {
            let who = closer.hand.who;
            assert!(closer.hand.was_woken() || !self.is_over(closer), "{who:?} was not woken");
        }
    }

    async fn end(mut self, ending: Ending) -> Counters {
        while !self.waiters.is_empty() {
            self.leave(0);
            self.compare().await;
        }
        while !self.releases.is_empty() {
            self.drop_release(0);
            self.compare().await;
        }
        if let Ending::Close = ending {
            self.close_and_wait().await;
        }
        let counters = self.pool.status().counters;
        self.drop_pool().await;
        counters
    }

    async fn close_and_wait(&mut self) {
        self.close(Duration::MAX);
        self.compare().await;
        while !self.leases.is_empty() {
            self.give_back(0, State::Dirty, Manner::Plainly);
        }
        sleep(LONG_ENOUGH).await;
        self.compare().await;
        while !self.closers.is_empty() {
            self.poll_close(0);
        }
    }

    /// Drops the last handle, then the leases that are still out.
    async fn drop_pool(self) {
        let Self { pool, closers, leases, scripted, trace, mut model, .. } = self;
        drop(closers);
        model.close();
        drop(pool);
        for Borrowed { session, lease, hold } in leases {
            drop(hold);
            model.give_back(session, State::Clean);
            drop(lease);
        }
        sleep(LONG_ENOUGH).await;
        rest(&trace).await;
        model.read(&trace.take(), trace.now());
        assert!(model.is_drained(), "every session is gone: {model:?}");
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "no task is left");
        scripted.assert_all_ended();
    }
}

/// Longer than all time limits of a session's life together.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// Comes back when the pool has nothing left to do at this instant.
async fn rest(trace: &Trace) {
    let mut seen = trace.len();
    let mut still = 0;
    while still < 3 {
        yield_now().await;
        still = if trace.len() == seen { still + 1 } else { 0 };
        seen = trace.len();
    }
}

// ===== futures by hand =====

/// A future that is polled by hand.
struct Hand<T> {
    who: Who,
    future: Pin<Box<dyn Future<Output = T>>>,
    trace: Trace,
    bell: Arc<Bell>,
}

impl<T> Hand<T> {
    fn new(future: Pin<Box<dyn Future<Output = T>>>, who: Who, trace: &Trace) -> Self {
        Self { who, future, trace: trace.clone(), bell: Bell::new(who, trace) }
    }

    fn name(&self) -> u32 {
        let (Who::Waiter(name) | Who::Releaser(name) | Who::Closer(name)) = self.who;
        name
    }

    /// Polls it with the waker of last time, or with another one.
    fn poll(&mut self, moved: bool) -> Poll<T> {
        if moved {
            self.bell = Bell::new(self.who, &self.trace);
        }
        self.bell.silence();
        let waker = Waker::from(Arc::clone(&self.bell));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn was_woken(&self) -> bool {
        self.bell.was_rung()
    }
}

fn boxed<T>(future: impl Future<Output = T> + 'static) -> Pin<Box<dyn Future<Output = T>>> {
    Box::pin(future)
}

/// The place of one of those there are, if there are any.
fn pick<T>(among: &[T], number: usize) -> Option<usize> {
    number.checked_rem(among.len())
}

fn drop_on_another_thread(lease: Lease<TracedSession>, state: State) {
    // A thread outside of the runtime does not know its virtual time, by which
    // alone an idle session's age can be told.
    let runtime = (state == State::Clean).then(Handle::current);
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
