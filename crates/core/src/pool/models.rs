//! Loom models: the pool's own code under every schedule of two or three threads
//! with up to three preemptions. Each test is named after the rule it proves.
//!
//! `RUSTFLAGS="--cfg sessionpool_loom" cargo test -p sessionpool-core --lib --release models`
//!
//! There is no runtime here, so a janitor is seated by hand before a model's
//! threads start, and its part is played by one of them, or by hand at the end:
//! [`sit`] does what its task does and waits to be called in the same way. A
//! wake-up or a call that got lost is a deadlock, which loom reports. Time stands
//! still: waits end when a model says that their time is over.

use std::convert::Infallible;
use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc as StdArc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread::{self, JoinHandle};
use tokio::runtime;
use tokio::time::Instant;

use super::errand::Runner;
use super::ledger::{Errand, Ledger};
use super::outage::Failure;
use super::places::Tally;
use super::settings::Draft;
use super::shared::Shared;
use crate::sync::Arc;
use crate::{
    AcquireError, AcquireOptions, Backend, Condition, Fault, Lease, Pool, Session, TryAcquireError,
};

// ===== capacity and ownership =====

/// In whatever state its sessions are and whatever way they came back: a broken
/// one counts until it has ended.
#[test]
fn capacity_holds_at_every_instant() {
    prove(|| {
        let scene = Scene::new(Draft { min_idle: 1, ..one() });
        let borrower = |condition| {
            let pool = scene.pool.clone();
            thread::spawn(move || {
                let mut lease = block_on(pool.acquire()).expect("a session");
                lease.condition = condition;
            })
        };
        let borrowers = [borrower(Condition::Clean), borrower(BROKEN)];
        let Scene { pool, shared, remote } = scene;
        drop(pool);
        sit(&shared);
        borrowers.into_iter().for_each(join);
        remote.check(1);
    });
}

#[test]
fn a_session_has_one_holder() {
    prove(|| {
        let scene = Scene::new(one());
        drop(scene.lease());
        let holders = StdArc::new(loom::sync::atomic::AtomicUsize::new(0));
        let borrow = || {
            let (pool, holders) = (scene.pool.clone(), StdArc::clone(&holders));
            move || {
                let _lease = block_on(pool.acquire()).expect("a session");
                assert_eq!(holders.fetch_add(1, Ordering::Relaxed), 0);
                holders.fetch_sub(1, Ordering::Relaxed);
            }
        };
        let others = [thread::spawn(borrow()), thread::spawn(borrow())];
        borrow()();
        others.into_iter().for_each(join);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

// ===== waking =====

#[test]
fn no_wake_up_is_lost() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = || {
            let pool = scene.pool.clone();
            thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")))
        };
        let waiters = [waiter(), waiter()];
        drop(lease);
        waiters.into_iter().for_each(join);
        scene.finish();
    });
}

/// A waiter that moves to another task is woken where it is now.
#[test]
fn no_wake_up_goes_to_an_old_waker() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let moved = thread::spawn(move || drop(block_on(waiter).expect("a session")));
        drop(lease);
        join(moved);
        scene.finish();
    });
}

#[test]
fn a_grant_to_a_dropped_waiter_passes_on() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let (first, second) = (scene.waiter(), scene.waiter());
        let returning = thread::spawn(move || drop(lease));
        let cancelling = thread::spawn(move || drop(first));
        drop(block_on(second).expect("a session"));
        join(returning);
        join(cancelling);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_grant_to_the_last_waiter_dropped_goes_to_stock() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter();
        let returning = thread::spawn(move || drop(lease));
        drop(waiter);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn a_timer_and_a_grant_have_one_outcome() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let waiter = scene.waiter_for(HOUR);
        let returning = thread::spawn(move || drop(lease));
        let shared = Arc::clone(&scene.shared);
        let timer = thread::spawn(move || {
            shared.ledger(|ledger, aftermath| ledger.time_is_over(far_future(), aftermath));
        });
        match block_on(waiter) {
            Ok(lease) => drop(lease),
            Err(error) => assert!(matches!(error, AcquireError::TimedOut(_)), "{error}"),
        }
        join(returning);
        join(timer);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        scene.finish();
    });
}

#[test]
fn an_opened_and_a_returned_session_serve_two_waiters() {
    prove(|| {
        let scene = Scene::new(Draft { max_size: 2, ..one() });
        let lease = scene.lease();
        let (first, second) = (scene.waiter(), scene.waiter());
        let errand = scene.errand();
        let returning = thread::spawn(move || drop(lease));
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let leases = [first, second].map(|waiter| block_on(waiter).expect("a session"));
        assert_ne!(leases[0].number, leases[1].number);
        join(returning);
        join(opening);
        drop(leases);
        assert_eq!(scene.tally(), (Tally::default(), 2));
        scene.finish();
    });
}

/// While anyone waits, a session that comes back is nobody else's.
#[test]
fn a_newcomer_never_overtakes() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let first = scene.waiter();
        let pool = scene.pool.clone();
        let newcomer = thread::spawn(move || {
            assert!(matches!(pool.try_acquire(), Err(TryAcquireError::NoneIdle)));
            queued(acquire(&pool, Duration::MAX))
        });
        let returning = thread::spawn(move || drop(lease));
        let lease = block_on(first).expect("a session");
        let newcomer = newcomer.join().expect("overtakes nobody");
        join(returning);
        drop(lease);
        drop(block_on(newcomer).expect("a session"));
        scene.finish();
    });
}

// ===== the janitor =====

/// A session that needs cleaning comes back while the janitor goes to wait.
#[test]
fn the_janitor_is_called_for_work() {
    prove(|| {
        let scene = Scene::new(one());
        let mut lease = scene.lease();
        lease.condition = Condition::Dirty;
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || drop(block_on(pool.acquire()).expect("a session")));
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check(1);
    });
}

/// Nothing is open any more, so the janitor leaves its seat. Whoever comes then
/// finds it there, or knows that it is gone.
#[test]
fn nobody_waits_for_a_janitor_that_has_left() {
    prove(|| {
        let scene = Scene::new(one());
        let mut lease = scene.lease();
        lease.condition = BROKEN;
        let Scene { pool, shared, remote } = scene;
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || served_or_told(block_on(pool.acquire())));
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check(1);
    });
}

/// It sleeps with no time to look again when somebody joins who has one.
#[test]
fn the_janitor_is_told_of_a_deadline() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || {
            let answer = block_on(acquire(&pool, HOUR));
            assert!(matches!(answer, Err(AcquireError::TimedOut(_))), "{answer:?}");
            drop(lease);
        });
        sit(&shared);
        join(waiting);
        remote.check(1);
    });
}

#[test]
fn the_janitor_is_told_of_an_expiry() {
    prove(|| {
        let scene = Scene::new(Draft { idle_timeout: Some(HOUR), ..one() });
        let lease = scene.lease();
        let returning = thread::spawn(move || drop(lease));
        sit(&scene.shared);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

#[test]
fn a_lost_janitor_leaves_nobody_asleep() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let pool = scene.pool.clone();
        let waiting = thread::spawn(move || served_or_told(block_on(pool.acquire())));
        let returning = thread::spawn(move || drop(lease));
        scene.lose_janitor();
        join(waiting);
        join(returning);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// However many look for one at once. Here there is a runtime, which never runs.
#[test]
fn a_lost_janitor_has_one_successor() {
    prove(|| {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let entered = runtime.enter();
        let scene = Scene::seated_on(Some(runtime.handle().id()), Draft { max_size: 2, ..one() });
        let look =
            |mut task: Task| thread::spawn(move || task.run_if_woken().is_none().then_some(task));
        let looking = [Task::of(scene.waiter()), Task::of(scene.waiter())].map(look);
        scene.lose_janitor();
        let tasks = looking.map(|thread| thread.join().expect("a thread").expect("still waiting"));
        let tasks = tasks.map(|mut task| task.run_if_woken().is_none().then_some(task));
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        rounds(&scene.shared);
        for mut task in tasks.into_iter().flatten() {
            drop(task.run_if_woken().expect("woken, with an answer").expect("a session"));
        }
        scene.finish();
        drop(entered);
    });
}

#[test]
fn a_session_opened_for_a_lost_janitor_is_ended() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_told(block_on(waiter)));
        scene.lose_janitor();
        join(opening);
        join(waiting);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

/// Ended at once, it counts until then.
#[test]
fn a_session_of_a_lost_janitor_ends_before_its_place_is_free() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        scene.lose_janitor();
        let Scene { pool, shared, remote } = scene;
        shared.ledger(|ledger, _| ledger.seat.take(None));
        let waiter = queued(acquire(&pool, Duration::MAX));
        let returning = thread::spawn(move || drop(lease));
        let waiting = thread::spawn(move || {
            drop(block_on(waiter).expect("a session"));
            drop(pool);
        });
        sit(&shared);
        join(returning);
        join(waiting);
        remote.check(1);
    });
}

/// Dropping one is other people's code, too.
#[test]
fn no_waker_is_dropped_under_the_lock() {
    struct Asks(Arc<Shared<Token>>);

    impl Wake for Asks {
        fn wake(self: StdArc<Self>) {}
    }

    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.status();
        }
    }

    prove(|| {
        let scene = Scene::new(one());
        let poll = |waiter: &mut Waiter| {
            let waker = Waker::from(StdArc::new(Asks(Arc::clone(&scene.shared))));
            waiter.as_mut().poll(&mut Context::from_waker(&waker))
        };
        let mut waiter = acquire(&scene.pool, Duration::MAX);
        assert!(poll(&mut waiter).is_pending());
        assert!(poll(&mut waiter).is_pending());
        drop(waiter);
        scene.finish();
    });
}

/// Expired or lent: never both.
#[test]
fn an_expiring_session_is_not_lent() {
    prove(|| {
        let scene = Scene::new(Draft { idle_timeout: Some(HOUR), ..one() });
        drop(scene.lease());
        let Scene { pool, shared, remote } = scene;
        let waiting = thread::spawn(move || served_or_told(block_on(pool.acquire())));
        sit(&shared);
        join(waiting);
        remote.check(1);
    });
}

// ===== failing =====

#[test]
fn a_rejection_reaches_whoever_waits_and_whoever_comes() {
    prove(|| {
        let scene = Scene::new(one());
        let first = scene.waiter();
        let Errand { place, .. } = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || {
            shared.open_failed(place, &failure(Fault::Rejected, far_future()))
        });
        let pool = scene.pool.clone();
        let newcomer = thread::spawn(move || rejected(block_on(pool.acquire())));
        rejected(block_on(first));
        join(opening);
        join(newcomer);
        assert_eq!(scene.tally(), (Tally::default(), 0));
        scene.finish();
    });
}

#[test]
fn a_failed_opening_is_followed_by_another() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let Errand { place, .. } = scene.errand();
        let Scene { pool, shared, remote } = scene;
        let opening = thread::spawn({
            let shared = Arc::clone(&shared);
            let later = Fault::Busy { retry_after: Some(HOUR) };
            move || shared.open_failed(place, &failure(later, Instant::now()))
        });
        let waiting = thread::spawn(move || {
            drop(block_on(waiter).expect("a session"));
            drop(pool);
        });
        sit(&shared);
        join(opening);
        join(waiting);
        remote.check(1);
    });
}

// ===== closing =====

#[test]
fn close_against_acquire_and_return() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let pool = scene.pool.clone();
        let waiting = thread::spawn(move || served_or_closed(block_on(pool.acquire())));
        let returning = thread::spawn(move || drop(lease));
        scene.shared.close();
        join(waiting);
        join(returning);
        assert!(matches!(scene.pool.try_acquire(), Err(TryAcquireError::Closed)));
        scene.finish();
    });
}

#[test]
fn close_against_opening() {
    prove(|| {
        let scene = Scene::new(one());
        let waiter = scene.waiter();
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        let waiting = thread::spawn(move || served_or_closed(block_on(waiter)));
        scene.shared.close();
        join(opening);
        join(waiting);
        scene.finish();
    });
}

/// Leased, returned, being ended: whoever closes is woken when the last is gone,
/// and the janitor leaves.
#[test]
fn close_waits_for_the_last_session() {
    prove(|| {
        let scene = Scene::new(one());
        let lease = scene.lease();
        let shared = Arc::clone(&scene.shared);
        let janitor = thread::spawn(move || sit(&shared));
        let pool = scene.pool.clone();
        let returning = thread::spawn(move || {
            drop(lease);
            block_on(pool.drained());
        });
        scene.shared.close();
        block_on(scene.pool.drained());
        assert_eq!(scene.tally(), (Tally::default(), 0));
        join(returning);
        join(janitor);
        scene.finish();
    });
}

// ===== the stage =====

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BROKEN: Condition = Condition::Broken(Fault::SessionLost);

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
    Draft { max_size: 1, acquire_timeout: Duration::MAX, idle_timeout: None, ..Draft::default() }
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
        let remote = StdArc::new(Remote::default());
        let pool = Pool::new(Box::new(Door(StdArc::clone(&remote))), settings, limits);
        let shared = Arc::clone(pool.shared());
        shared.ledger(|ledger, _| ledger.seat.take(runtime));
        Self { pool, shared, remote }
    }

    /// The lease of a session, lent from stock.
    fn lease(&self) -> Lease<Token> {
        let opened_for = self.waiter();
        rounds(&self.shared);
        drop(at_once(opened_for).expect("a session"));
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
    fn errand(&self) -> Errand<Token> {
        let mut errands = self.shared.round().errands;
        let errand = errands.pop_front().expect("an errand");
        assert!(errands.is_empty());
        errand
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
        remote.check(shared.ledger(|ledger, _| ledger.limits.max_size));
    }
}

fn tally(ledger: &Ledger<Token>) -> (Tally, usize) {
    (ledger.places.tally(), ledger.status(Instant::now()).idle)
}

/// What the books promise at every instant.
fn audit(shared: &Shared<Token>) {
    shared.ledger(|ledger, _| {
        let (tally, idle) = tally(ledger);
        assert_eq!((tally, idle), ledger.places.recount());
        assert!(ledger.places.taken() <= ledger.limits.max_size, "{tally:?}");
        assert!(tally.opening <= ledger.limits.max_connecting, "{tally:?}");
        assert!(idle == 0 || ledger.queue.is_empty(), "{tally:?}");

        let counters = ledger.counters;
        let answered = counters.acquired
            + counters.timed_out
            + counters.cancelled
            + counters.queue_full
            + counters.failed
            + counters.refused_closed;
        assert_eq!(counters.requested, answered + ledger.queue.len() as u64, "{counters:?}");
        assert_eq!(counters.acquired, counters.returned + tally.leased as u64, "{counters:?}");
        let open = ledger.places.taken() - tally.opening;
        assert_eq!(counters.opened, counters.closed.total() + open as u64, "{counters:?}");
    });
}

// ===== the janitor's part =====

/// Sits until nothing is open and nobody waits, and waits to be called.
/// What has its time is due at once: the clock leaps far beyond it, so that no
/// schedule depends on how fast the real one runs.
fn sit(shared: &Arc<Shared<Token>>) {
    let mut now = Instant::now();
    loop {
        let round = shared.ledger(|ledger, aftermath| ledger.round(now, aftermath));
        audit(shared);
        round.errands.into_iter().for_each(|errand| run(shared, errand));
        if round.over {
            return;
        }
        match round.next {
            Some(at) => now = at + DAY,
            None => block_on(future::poll_fn(|cx| {
                if shared.janitor_was_called(cx.waker().clone()) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })),
        }
    }
}

/// Rounds until there is nothing more to do.
fn rounds(shared: &Arc<Shared<Token>>) {
    loop {
        let round = shared.round();
        if round.errands.is_empty() {
            return;
        }
        round.errands.into_iter().for_each(|errand| run(shared, errand));
    }
}

fn run(shared: &Arc<Shared<Token>>, errand: Errand<Token>) {
    at_once(Runner::new(Arc::clone(shared), errand).run());
}

// ===== waiters =====

type Waiter = Pin<Box<dyn Future<Output = Result<Lease<Token>, AcquireError>> + Send>>;

fn acquire(pool: &Pool<Token>, limit: Duration) -> Waiter {
    let pool = pool.clone();
    Box::pin(async move { pool.acquire_with(AcquireOptions::new().timeout(limit)).await })
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

#[expect(clippy::needless_pass_by_value, reason = "the lease it may hold comes back here")]
fn served_or_told(answer: Answer) {
    assert!(matches!(answer, Ok(_) | Err(AcquireError::NoRuntime)), "{answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "the lease it may hold comes back here")]
fn served_or_closed(answer: Answer) {
    assert!(matches!(answer, Ok(_) | Err(AcquireError::Closed)), "{answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "the lease it may hold comes back here")]
fn rejected(answer: Answer) {
    let rejected = matches!(answer, Err(AcquireError::Failed { fault: Fault::Rejected, .. }));
    assert!(rejected, "{answer:?}");
}

// ===== the remote end =====

/// What the remote end saw. Only `live` is loom's: between what the books say and
/// what happens there, others may run.
#[derive(Debug, Default)]
struct Remote {
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

    /// Every session was ended once, and there were never more than `most`.
    fn check(&self, most: usize) {
        let ends = self.ends.lock().expect("no panic under the lock");
        assert!(ends.iter().all(|times| *times == 1), "{ends:?}");
        assert!(self.most.load(Ordering::Relaxed) <= most, "{self:?}");
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

    async fn check(&self, _: &mut Token) -> Result<(), Infallible> {
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
