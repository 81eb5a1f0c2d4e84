//! Loom models: the pool's own code under every schedule of two or three threads
//! with up to three preemptions. Each test is named after the rule it proves.
//!
//! `RUSTFLAGS="--cfg sessionpool_loom" cargo test -p sessionpool-core --lib --release models`
//!
//! There is no runtime here, so a janitor is seated by hand before a model's
//! threads start, and its part is played by one of them, or by hand at the end:
//! [`sit`] does what its task does and waits to be called in the same way. A
//! wake-up or a call that got lost is a deadlock, which loom reports. Time does not
//! pass by itself: it is over for a waiter, or for an idle session, when a model
//! says so.

mod checking;
mod classes;
mod closing;
mod control;
mod janitor;
mod lending;
mod opening;
mod warming;

use std::convert::Infallible;
use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc as StdArc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread::JoinHandle;
use tokio::runtime;
use tokio::time::Instant;

use super::errand::Runner;
use super::hooks::Hooks;
use super::ledger::{Errand, Ledger, Round};
use super::listeners::Listeners;
use super::outage::Failure;
use super::parcel::Parcel;
use super::places::Tally;
use super::settings::Draft;
use super::shared::Shared;
use crate::sync::Arc;
use crate::{AcquireError, AcquireOptions, Backend, Condition, Fault, Lease, Pool, Session};

// ===== the stage =====

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BROKEN: Condition = Condition::Broken(Fault::SessionLost);
const LATER: Fault = Fault::Busy { retry_after: Some(HOUR) };

fn prove(model: impl Fn() + Send + Sync + 'static) {
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
        let remote = StdArc::new(Remote { room: limits.max_size, ..Remote::default() });
        let pool = Pool::new(
            Box::new(Door(StdArc::clone(&remote))),
            settings,
            limits,
            Listeners::default(),
            Hooks::none(),
        );
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
        let (tally, idle) = tally(ledger);
        assert_eq!((tally, idle), ledger.places.recount());
        assert!(ledger.places.taken() <= ledger.limits.max_size, "{tally:?}");
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

// ===== the remote end =====

/// What the remote end saw. Only `live` is loom's: between what the books say and
/// what happens there, others may run.
#[derive(Debug, Default)]
struct Remote {
    /// How many sessions it takes.
    room: usize,
    /// Whether it hangs up on who asks.
    hangs_up: AtomicBool,
    live: loom::sync::atomic::AtomicUsize,
    most: AtomicUsize,
    /// How often each session was ended.
    ends: StdMutex<Vec<usize>>,
}

impl Remote {
    fn ended(&self, number: usize) {
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.ends.lock().expect("no panic under the lock")[number] += 1;
    }

    /// Every session was ended once, and there was room for all there were.
    fn check(&self) {
        let ends = self.ends.lock().expect("no panic under the lock");
        assert!(ends.iter().all(|times| *times == 1), "{ends:?}");
        assert!(self.most.load(Ordering::Relaxed) <= self.room, "{self:?}");
    }
}

struct Door(StdArc<Remote>);

impl Backend for Door {
    type Session = Token;

    async fn open(&self) -> Result<Token, Infallible> {
        let remote = StdArc::clone(&self.0);
        let live = remote.live.fetch_add(1, Ordering::Relaxed) + 1;
        remote.most.fetch_max(live, Ordering::Relaxed);
        let number = {
            let mut ends = remote.ends.lock().expect("no panic under the lock");
            ends.push(0);
            ends.len() - 1
        };
        Ok(Token { number, condition: Condition::Clean, remote })
    }

    async fn check(&self, token: &mut Token) -> Result<(), Infallible> {
        if self.0.hangs_up.load(Ordering::Relaxed) {
            token.condition = Condition::Broken(Fault::Other);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Token {
    number: usize,
    condition: Condition,
    remote: StdArc<Remote>,
}

impl Session for Token {
    type Error = Infallible;

    fn condition(&self) -> Condition {
        self.condition
    }

    fn classify(error: &Infallible) -> Fault {
        match *error {}
    }

    async fn release(this: &mut Self) -> Result<(), Infallible> {
        this.condition = Condition::Clean;
        Ok(())
    }

    async fn close(this: Self) -> Result<(), Infallible> {
        this.remote.ended(this.number);
        Ok(())
    }

    fn abort(this: Self) {
        this.remote.ended(this.number);
    }
}
