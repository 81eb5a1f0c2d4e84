//! Shuttle models: dozens of tasks that do whatever callers, operators and the remote end
//! can do to a pool, under random schedules.
//!
//! Dice decide what each does, and the schedule decides on the dice: all of a run comes of
//! one seed. The seed of a run that fails is printed; put into [`SEEDS`], it runs first from
//! then on. `SHUTTLE_SEEDS` sets how many others there are.

mod borrowers;
mod janitor;
mod others;
mod schedules;

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuttle::thread::{self, JoinHandle};

use self::borrowers::borrow;
use self::janitor::sit;
pub(super) use self::others::let_in;
use self::others::{
    check, close, flush, lose_the_janitor, make_room, pause_and_resume, recall, resize,
};
use self::schedules::{Order, dice, prove};
use super::remote::Token;
use super::{HOUR, Scene, audit_whatever_size, join, one};
use crate::pool::draft::Draft;
use crate::sync::Arc;
use crate::sync::stage::block_on;
use crate::{ClassSettings, Pool};

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

const BORROWERS: usize = 24;
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
