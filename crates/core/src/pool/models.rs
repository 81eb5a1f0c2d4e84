//! The models: the pool's own code, by loom under every schedule of two or three threads
//! with up to three preemptions, and by shuttle under some of a [`crowd`]. Each test is
//! named after the rule it proves.
//!
//! `RUSTFLAGS="--cfg sessionpool_loom" cargo test -p sessionpool-core --lib --release models`
//! `RUSTFLAGS="--cfg sessionpool_shuttle" cargo test -p sessionpool-core --lib --release models`
//!
//! There is no runtime here, so a janitor is seated by hand before a model's
//! threads start, and its part is played by one of them, or by hand at the end:
//! [`sit`] does what its task does and waits to be called in the same way. A
//! wake-up or a call that got lost is a deadlock, which is reported. Time does not
//! pass by itself: it is over for a waiter, or for an idle session, when a model
//! says so.

#![cfg_attr(sessionpool_shuttle, allow(dead_code, reason = "much of it is for the small models"))]

#[cfg(sessionpool_loom)]
mod checking;
#[cfg(sessionpool_loom)]
mod classes;
#[cfg(sessionpool_loom)]
mod closing;
#[cfg(sessionpool_loom)]
mod control;
#[cfg(sessionpool_shuttle)]
mod crowd;
#[cfg(sessionpool_loom)]
mod janitor;
#[cfg(sessionpool_loom)]
mod lending;
#[cfg(sessionpool_loom)]
mod opening;
mod remote;
#[cfg(sessionpool_loom)]
mod warming;

use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use self::remote::{Door, Remote, Token};
use super::draft::Draft;
use super::errand::Runner;
use super::hooks::Hooks;
use super::ledger::{Errand, Ledger, Round};
use super::listeners::Listeners;
use super::outage::Failure;
use super::parcel::Parcel;
use super::places::Tally;
use super::shared::Shared;
use crate::sync::Arc;
use crate::sync::stage::{JoinHandle, block_on};
use crate::{AcquireError, AcquireOptions, Condition, Fault, Lease, Pool};

// ===== the stage =====

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BROKEN: Condition = Condition::Broken(Fault::SessionLost);
const LATER: Fault = Fault::Busy { retry_after: Some(HOUR) };

#[cfg(sessionpool_loom)]
fn prove(model: impl Fn() + Send + Sync + 'static) {
    use std::sync::atomic::AtomicUsize;

    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    let schedules = StdArc::new(AtomicUsize::new(0));
    let counter = StdArc::clone(&schedules);
    let began = std::time::Instant::now();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} schedules in {:.1?}", schedules.load(Ordering::Relaxed), began.elapsed());
}

/// Settings for a single session, for ever.
fn one() -> Draft {
    // Time leaps here: what goes by it is left to the models that are about it.
    Draft {
        max_size: 1,
        acquire_timeout: Duration::MAX,
        idle_timeout: None,
        check_after_idle: None,
        max_lifetime: None,
        ..Draft::default()
    }
}

fn two() -> Draft {
    Draft { max_size: 2, ..one() }
}

fn far_future() -> Instant {
    Instant::now() + DAY
}

fn failure(fault: Fault, at: Instant) -> Failure {
    Failure { fault, cause: StdArc::new(std::fmt::Error), at }
}

/// A pool with a janitor in its seat, before the threads of a model start.
struct Scene {
    pool: Pool<Token>,
    shared: Arc<Shared<Token>>,
    remote: StdArc<Remote>,
}

impl Scene {
    fn new(draft: Draft) -> Self {
        Self::seated_on(None, draft)
    }

    fn seated_on(runtime: Option<runtime::Id>, draft: Draft) -> Self {
        let (settings, limits) = draft.validate().expect("settings that can work");
        let remote = StdArc::new(Remote::with_room_for(limits.max_size));
        let opener = Box::new(Door(StdArc::clone(&remote)));
        let pool =
            Pool::new(Shared::new(opener, settings, limits, Listeners::default(), Hooks::none()));
        let shared = Arc::clone(pool.shared());
        shared.ledger(|ledger, _| ledger.seat.take(runtime));
        Self { pool, shared, remote }
    }

    /// From now on what is idle is checked before it is lent.
    fn check_from_now_on(&self) {
        self.shared.ledger(|ledger, _| ledger.limits.check_after_idle = Some(Duration::ZERO));
    }

    /// The lease of a session, lent from stock.
    fn lease(&self) -> Lease<Token> {
        let opened_for = self.waiter();
        rounds(&self.shared);
        drop(at_once(opened_for).expect("a session"));
        self.janitor_waits();
        at_once(acquire(&self.pool, Duration::MAX)).expect("a session")
    }

    /// An acquire that has joined the queue.
    fn waiter(&self) -> Waiter {
        self.waiter_for(Duration::MAX)
    }

    fn waiter_for(&self, limit: Duration) -> Waiter {
        queued(acquire(&self.pool, limit))
    }

    /// The one errand there is.
    fn errand(&self) -> Errand<Parcel<Token>> {
        let mut errands = self.shared.round().0.errands;
        let errand = errands.pop_front().expect("an errand");
        assert!(errands.is_empty());
        self.janitor_waits();
        errand
    }

    /// It has done what it was called for.
    fn janitor_waits(&self) {
        self.shared.janitor_was_called(Waker::noop().clone());
    }

    /// Every session there is becomes old.
    #[cfg(sessionpool_loom)]
    fn grow_old(&self) {
        // Stamps are coarse.
        let before = Instant::now() - Duration::from_secs(1);
        self.shared.ledger(|ledger, _| ledger.places.grow_old(before));
    }

    fn lose_janitor(&self) {
        let home = self.shared.ledger(|ledger, _| ledger.seat.home());
        self.shared.janitor_lost(home);
    }

    /// How many there are in each stage, and idle.
    fn tally(&self) -> (Tally, usize) {
        self.shared.ledger(|ledger, _| tally(ledger))
    }

    /// Nobody waits and nobody holds a session. Closes, and checks what became of
    /// each.
    fn finish(self) {
        let Self { pool, shared, remote } = self;
        audit(&shared);
        let status = shared.status();
        assert_eq!((status.waiters, status.leased), (0, 0), "{status}");
        drop(pool);
        rounds(&shared);
        audit(&shared);
        remote.check();
    }
}

fn tally(ledger: &Ledger<Parcel<Token>>) -> (Tally, usize) {
    (ledger.places.tally(), ledger.status(Instant::now()).idle)
}

/// What the books promise at every instant.
fn audit(shared: &Shared<Token>) {
    shared.ledger(|ledger, _| {
        let tally = ledger.places.tally();
        assert!(ledger.places.taken() <= ledger.limits.max_size, "{tally:?}");
    });
    audit_whatever_size(shared);
}

/// Even of a pool that has been made smaller, and has yet to become so.
fn audit_whatever_size(shared: &Shared<Token>) {
    shared.ledger(|ledger, _| {
        let (tally, idle) = tally(ledger);
        assert_eq!((tally, idle), ledger.places.recount());
        assert!(tally.opening <= ledger.limits.max_connecting, "{tally:?}");
        let served = idle == 0 || ledger.servable() <= tally.serving_checks;
        assert!(served || ledger.pause.is_some(), "{tally:?}");
        for (class, share) in ledger.classes.iter() {
            assert_eq!(share.leased, ledger.places.leased_for(class), "{share:?}");
            assert!(share.limit.is_none_or(|limit| share.leased <= limit), "{share:?}");
        }
        let status = ledger.status(Instant::now());
        assert!(status.is_balanced(), "{status:?}");
    });
}

// ===== the janitor's part =====

/// Sits until nothing is open and nobody waits. What has its time is due at once.
fn sit(shared: &Arc<Shared<Token>>) {
    sit_until(shared, |round| round.over);
}

fn sit_until(shared: &Arc<Shared<Token>>, done: impl Fn(&Round<Parcel<Token>>) -> bool) {
    let mut now = Instant::now();
    loop {
        let round = attend(shared, now);
        if done(&round) {
            return;
        }
        match round.next {
            // Far beyond it, so that no schedule depends on how fast the real
            // clock runs.
            Some(at) => now = at + DAY,
            None => wait_to_be_called(shared),
        }
    }
}

/// Sits like [`sit`], but the time for anything never comes.
fn sit_out_of_time(shared: &Arc<Shared<Token>>) {
    while !attend(shared, Instant::now()).over {
        wait_to_be_called(shared);
    }
}

/// Looks what is due, and does it.
fn attend(shared: &Arc<Shared<Token>>, now: Instant) -> Round<Parcel<Token>> {
    let mut round = shared.ledger(|ledger, aftermath| ledger.round(now, aftermath));
    audit(shared);
    round.errands.drain(..).for_each(|errand| run(shared, errand));
    round
}

fn wait_to_be_called(shared: &Shared<Token>) {
    block_on(future::poll_fn(|cx| {
        if shared.janitor_was_called(cx.waker().clone()) { Poll::Ready(()) } else { Poll::Pending }
    }));
}

/// Rounds until there is nothing more to do.
fn rounds(shared: &Arc<Shared<Token>>) {
    loop {
        let (round, _) = shared.round();
        if round.errands.is_empty() {
            return;
        }
        round.errands.into_iter().for_each(|errand| run(shared, errand));
    }
}

fn run(shared: &Arc<Shared<Token>>, errand: Errand<Parcel<Token>>) {
    at_once(Runner::new(Arc::clone(shared), errand).run());
}

// ===== waiters =====

type Waiter = Pin<Box<dyn Future<Output = Result<Lease<Token>, AcquireError>> + Send>>;

fn acquire(pool: &Pool<Token>, limit: Duration) -> Waiter {
    acquire_with(pool, AcquireOptions::new().timeout(limit))
}

fn acquire_with(pool: &Pool<Token>, options: AcquireOptions) -> Waiter {
    let pool = pool.clone();
    Box::pin(async move { pool.acquire_with(options).await })
}

/// Has an acquire join the queue, with a waker that wakes nobody.
fn queued(mut waiter: Waiter) -> Waiter {
    let joined = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(joined.is_pending());
    waiter
}

/// An acquire polled like a task: at first, and when it was woken.
struct Task {
    waiter: Waiter,
    alarm: StdArc<Alarm>,
}

impl Task {
    fn of(waiter: Waiter) -> Self {
        Self { waiter, alarm: StdArc::new(Alarm(AtomicBool::new(true))) }
    }

    fn run_if_woken(&mut self) -> Option<Answer> {
        if !self.alarm.0.swap(false, Ordering::Relaxed) {
            return None;
        }
        let waker = Waker::from(StdArc::clone(&self.alarm));
        match self.waiter.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: StdArc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

fn join(thread: JoinHandle<()>) {
    thread.join().expect("a thread of the model");
}

type Answer = Result<Lease<Token>, AcquireError>;

fn served_or_told(answer: &Answer) {
    assert!(matches!(answer, Ok(_) | Err(AcquireError::NoRuntime)), "{answer:?}");
}

fn served_or_closed(answer: &Answer) {
    assert!(matches!(answer, Ok(_) | Err(AcquireError::Closed)), "{answer:?}");
}

fn rejected(answer: &Answer) {
    let rejected = matches!(answer, Err(AcquireError::Failed { fault: Fault::Rejected, .. }));
    assert!(rejected, "{answer:?}");
}
