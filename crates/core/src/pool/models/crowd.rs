//! Shuttle models: dozens of tasks that do whatever callers, operators and the remote end
//! can do to a pool, under random schedules.
//!
//! Dice decide what each does, and the schedule decides on the dice: all of a run comes of
//! one seed. The seed of a run that fails is printed; put into [`SEEDS`], it runs first from
//! then on. `SHUTTLE_SEEDS` sets how many others there are.

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use std::{env, future, thread as real};

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, FailurePersistence, Runner as Shuttle};
use tokio::time::Instant;

use super::remote::{Refused, Token};
use super::{
    BROKEN, DAY, HOUR, LATER, Scene, Waiter, acquire_with, audit_whatever_size, join, one,
    wait_to_be_called,
};
use crate::pool::draft::Draft;
use crate::pool::errand::Runner;
use crate::pool::ledger::{Errand, Round};
use crate::pool::parcel::Parcel;
use crate::pool::shared::Shared;
use crate::sync::Arc;
use crate::sync::stage::block_on;
use crate::{
    AcquireError, AcquireOptions, ClassSettings, Condition, Fault, Lease, Pause, Pool, Session,
};

/// Seeds of runs that have failed: of which model, how scheduled. Each of these catches a
/// fault that is planted (`tests/planted/faults.txt`); `SHUTTLE_SEEDS=0` runs them alone.
const SEEDS: &[(&str, Order, u64)] = &[
    // A session being closed counts as gone.
    ("a_crowd_loses_nothing", Order::Priorities, 12_819_534_655_348_171_889),
    // An opening that failed is followed by no other.
    ("a_crowd_outlasts_openings_that_fail", Order::Random, 16_515_673_830_633_168_322),
    // What a lost janitor was sent out for is dropped.
    ("a_crowd_survives_its_janitors", Order::Random, 1_036_539_419_461_417_520),
    // Whoever waited for a check that failed is forgotten.
    ("a_crowd_survives_its_janitors", Order::Priorities, 2_130_069_986_569_221_115),
];

/// For each model and order, when `SHUTTLE_SEEDS` does not say.
const FRESH_SEEDS: usize = 400;
/// Schedules that come of one seed; the first of priorities only finds out how long they are.
const SCHEDULES: usize = 8;
/// How often priorities change in a schedule.
const CHANGES: usize = 5;

/// In what order tasks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Any of them, at each step.
    Random,
    /// By priorities that change a few times (PCT).
    Priorities,
}

const BORROWERS: usize = 24;
const TURNS: usize = 2;
const SIZE: usize = 4;
const CLASSES: [&str; 2] = ["report", "import"];

// ===== the models =====

#[test]
fn a_crowd_loses_nothing() {
    prove("a_crowd_loses_nothing", || Crowd::gather().part());
}

#[test]
fn a_crowd_may_be_paused_resized_and_flushed() {
    prove("a_crowd_may_be_paused_resized_and_flushed", || {
        let crowd = Crowd::gather();
        crowd.on_stage(pause_and_resume);
        crowd.on_stage(resize);
        crowd.on_stage(flush);
        crowd.on_stage(recall);
        crowd.part();
    });
}

#[test]
fn a_crowd_outlasts_openings_that_fail() {
    prove("a_crowd_outlasts_openings_that_fail", || {
        let crowd = Crowd::gather();
        crowd.scene.remote.refuses_some.store(true, Ordering::Relaxed);
        crowd.on_stage(make_room);
        crowd.on_stage(resize);
        crowd.on_stage(lose_the_janitor);
        crowd.part();
    });
}

#[test]
fn close_against_a_crowd() {
    prove("close_against_a_crowd", || {
        let crowd = Crowd::gather();
        crowd.on_stage(close);
        crowd.on_stage(close);
        crowd.on_stage(flush);
        crowd.part();
    });
}

#[test]
fn a_crowd_survives_its_janitors() {
    prove("a_crowd_survives_its_janitors", || {
        let crowd = Crowd::gather();
        crowd.on_stage(lose_the_janitor);
        crowd.on_stage(lose_the_janitor);
        crowd.on_stage(check);
        crowd.part();
    });
}

// ===== running them =====

fn prove(name: &str, model: fn()) {
    let known = SEEDS.iter().filter(|(of, ..)| *of == name).map(|(_, order, seed)| (*order, *seed));
    let fresh = env::var("SHUTTLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let fresh = (0..fresh.unwrap_or(FRESH_SEEDS))
        .flat_map(|_| [Order::Random, Order::Priorities].map(|order| (order, fastrand::u64(..))));
    let began = std::time::Instant::now();
    let mut schedules = 0;
    for (order, seed) in known.chain(fresh) {
        let told = Told { name, order, seed };
        schedules += run(order, seed, model);
        std::mem::forget(told);
    }
    println!("{schedules} schedules in {:.1?}", began.elapsed());
}

fn run(order: Order, seed: u64, model: fn()) -> usize {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None; // much longer than the seed
    config.silence_warnings = true;
    config.stack_size = 1 << 18;
    match order {
        Order::Random => {
            Shuttle::new(RandomScheduler::new_from_seed(seed, SCHEDULES), config).run(model)
        }
        Order::Priorities => {
            let scheduler = PctScheduler::new_from_seed(seed, CHANGES, SCHEDULES);
            Shuttle::new(scheduler, config).run(model)
        }
    }
}

/// Tells which run it was that failed.
struct Told<'a> {
    name: &'a str,
    order: Order,
    seed: u64,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Self { name, order, seed } = self;
        if real::panicking() {
            let is_kept = SEEDS.contains(&(*name, *order, *seed));
            let what = if is_kept { "one that is kept" } else { "to be kept" };
            eprintln!("failed, {what} in SEEDS: (\"{name}\", Order::{order:?}, {seed})");
        }
    }
}

fn dice(sides: usize) -> usize {
    thread_rng().gen_range(0..sides)
}

/// Lets others come first, for a while.
fn linger() {
    for _ in 0..dice(12) {
        thread::yield_now();
    }
}

// ===== the crowd =====

/// A pool, its janitor, and those who use it.
struct Crowd {
    scene: Scene,
    /// True once nobody will come any more.
    is_over: StdArc<AtomicBool>,
    janitor: JoinHandle<()>,
    others: std::cell::RefCell<Vec<JoinHandle<()>>>,
}

impl Crowd {
    fn gather() -> Self {
        let scene = Scene::new(any_draft());
        scene.remote.hangs_up.store(dice(4) == 0, Ordering::Relaxed);
        scene.remote.refuses_some.store(dice(4) == 0, Ordering::Relaxed);
        let is_over = StdArc::new(AtomicBool::new(false));
        let janitor = thread::spawn({
            let (shared, is_over) = (Arc::clone(&scene.shared), StdArc::clone(&is_over));
            move || sit(&shared, &is_over)
        });
        let crowd = Self { scene, is_over, janitor, others: std::cell::RefCell::default() };
        (0..BORROWERS).for_each(|_| crowd.on_stage(borrow));
        crowd
    }

    fn on_stage(&self, part: fn(Pool<Token>)) {
        let pool = self.scene.pool.clone();
        self.others.borrow_mut().push(thread::spawn(move || part(pool)));
    }

    /// Waits for all, and checks what became of each session.
    fn part(self) {
        let Self { scene: Scene { pool, shared, remote }, is_over, janitor, others } = self;
        others.into_inner().into_iter().for_each(join);
        let status = shared.status();
        assert_eq!((status.waiters, status.leased), (0, 0), "{status}");
        if dice(2) == 0 {
            shared.close();
            block_on(pool.drained());
        }
        drop(pool);
        shared.ledger(|ledger, aftermath| {
            is_over.store(true, Ordering::Relaxed);
            aftermath.call(ledger.seat.call());
        });
        join(janitor);
        audit_whatever_size(&shared);
        let status = shared.status();
        let (opened, closed) = (status.counters.opened, status.counters.closed.total());
        assert_eq!((status.size(), opened), (0, closed), "{status:?}");
        remote.check();
    }
}

fn any_draft() -> Draft {
    let class =
        |name: &str| ClassSettings { limit: Some(1 + dice(2)), ..ClassSettings::new(name.into()) };
    Draft {
        max_size: SIZE,
        min_idle: dice(2),
        max_connecting: 1 + dice(2),
        idle_timeout: (dice(4) == 0).then_some(HOUR),
        check_after_idle: (dice(2) == 0).then_some(Duration::ZERO),
        max_uses: (dice(3) == 0).then_some(3),
        fail_fast_after: (dice(4) == 0).then_some(Duration::ZERO),
        classes: CLASSES.map(class).into(),
        ..one()
    }
}

fn borrow(pool: Pool<Token>) {
    for _ in 0..TURNS {
        match wait(acquire_with(&pool, any_options())) {
            Some(Ok(lease)) => give_back(lease),
            Some(Err(
                AcquireError::Closed
                | AcquireError::Paused
                | AcquireError::TimedOut(_)
                | AcquireError::Failed { .. },
            ))
            | None => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

fn any_options() -> AcquireOptions {
    let limit = [HOUR, Duration::MAX, Duration::MAX, Duration::MAX, Duration::ZERO][dice(5)];
    let options = AcquireOptions::new().timeout(limit);
    if dice(2) == 0 { options.class(CLASSES[dice(2)]) } else { options }
}

/// Waits to the end, or gives up.
fn wait(mut acquire: Waiter) -> Option<Result<Lease<Token>, AcquireError>> {
    if dice(4) > 0 {
        return Some(block_on(acquire));
    }
    let mut cx = Context::from_waker(Waker::noop());
    let answer = acquire.as_mut().poll(&mut cx);
    linger();
    match answer {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn give_back(mut lease: Lease<Token>) {
    assert_eq!(lease.condition, Condition::Clean);
    linger();
    match dice(10) {
        0 => lease.condition = Condition::Dirty,
        1 => lease.condition = BROKEN,
        2 => lease.condition = Condition::Broken(Fault::BackendLost),
        3 => return lease.discard(),
        4 => {
            lease.leave_the_pool();
            return Token::abort(lease.detach());
        }
        5 => {
            lease.condition = Condition::Dirty;
            return block_on(lease.release()).expect("a session that can be cleaned");
        }
        _ => {}
    }
    drop(lease);
}

// ===== the others =====

fn pause_and_resume(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.pause([Pause::Wait, Pause::Fail][dice(2)]);
        linger();
        pool.resume();
    }
}

fn resize(pool: Pool<Token>) {
    for size in [1 + dice(SIZE), 1 + dice(SIZE), 1 + dice(SIZE), SIZE] {
        linger();
        pool.resize(size).expect("a valid size");
    }
}

fn flush(pool: Pool<Token>) {
    for _ in 0..2 {
        linger();
        pool.flush();
    }
}

fn recall(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.shared().recall_idle(1 + dice(2));
    }
}

/// The remote end has room again, as often as it likes.
fn make_room(pool: Pool<Token>) {
    for _ in 0..3 {
        linger();
        pool.shared().open_again();
    }
}

/// The remote end lets two of three in.
pub(super) fn let_in() -> Result<(), Refused> {
    if dice(3) > 0 {
        return Ok(());
    }
    let busy = Fault::Busy { retry_after: None };
    let faults = [Fault::Transient, busy, LATER, Fault::Rejected, Fault::BackendLost];
    Err(Refused::with(faults[dice(faults.len())]))
}

fn close(pool: Pool<Token>) {
    linger();
    linger();
    pool.shared().close();
    block_on(pool.drained());
}

/// Its runtime is gone; another one takes over at once.
fn lose_the_janitor(pool: Pool<Token>) {
    linger();
    pool.shared().ledger(|ledger, aftermath| {
        aftermath.call(ledger.seat.call());
        ledger.janitor_lost(ledger.seat.home(), aftermath);
        ledger.seat.take(None);
    });
}

/// Whatever is idle is checked from now on.
fn check(pool: Pool<Token>) {
    linger();
    pool.shared().ledger(|ledger, _| ledger.limits.check_after_idle = Some(Duration::ZERO));
}

// ===== the janitor's part =====

/// Sits until nothing is open and nobody will come. Whenever it looks, the time has come for
/// whatever it was to look for.
fn sit(shared: &Arc<Shared<Token>>, is_over: &AtomicBool) {
    let mut now = Instant::now();
    let mut errands = Vec::new();
    loop {
        let Round { errands: sent, next, over } = look(shared, now, is_over);
        audit_whatever_size(shared);
        errands.extend(sent.into_iter().map(|errand| {
            let shared = Arc::clone(shared);
            thread::spawn(move || run_errand(&shared, errand))
        }));
        match next {
            _ if over => break,
            Some(at) => now = at + DAY,
            None => wait_to_be_called(shared),
        }
    }
    errands.into_iter().for_each(join);
}

/// A round. Where there is no runtime, nobody could start another janitor: it stays while
/// somebody may come.
fn look(shared: &Shared<Token>, now: Instant, is_over: &AtomicBool) -> Round<Parcel<Token>> {
    shared.ledger(|ledger, aftermath| {
        let mut round = ledger.round(now, aftermath);
        if round.over && !is_over.load(Ordering::Relaxed) {
            round.over = false;
            ledger.seat.take(None);
            let _ = ledger.seat.was_called(Waker::noop().clone());
        }
        round
    })
}

/// Runs an errand, half way only if its janitor is lost meanwhile.
fn run_errand(shared: &Arc<Shared<Token>>, errand: Errand<Parcel<Token>>) {
    let home = shared.ledger(|ledger, _| ledger.places.home(errand.place));
    let mut run = Box::pin(Runner::new(Arc::clone(shared), errand).run());
    block_on(future::poll_fn(|cx| {
        let is_lost = shared.ledger(|ledger, _| !ledger.seat.is_home(home));
        if is_lost { Poll::Ready(()) } else { run.as_mut().poll(cx) }
    }));
}
