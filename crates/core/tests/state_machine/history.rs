//! Runs one history: does each step to the pool and tells the reference, lets the
//! pool come to rest, and compares.
//!
//! Futures are polled by hand and time is virtual, so that a history with
//! concurrent acquires, releases and closes is one sequence of steps, and the same
//! one each time.

mod doing;

use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{AcquireError, CloseReport, Lease, Pool, ReleaseError};
use sessionpool_testkit::{Hold, Scripted};
use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::backend::{Traced, TracedSession};
use crate::case::{Case, Ending, Manner, Settings, Span, State, Step};
use crate::hand::Hand;
use crate::model::{Model, Reached};
use crate::trace::{Outcome, Trace};

/// Runs it to its end, and answers what it came to. `aloud` prints what happens.
///
/// # Panics
///
/// Where the pool and the reference differ.
pub(crate) fn run(case: &Case, aloud: bool) -> Reached {
    fastrand::seed(case.jitter);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be had").block_on(async {
        let mut history = History::begin(&case.settings, aloud);
        history.compare().await;
        for step in &case.steps {
            history.trace.tell(step);
            let _ = history.step(step);
            if let Step::Advance(span) = step {
                pass(history.length(*span), &history.trace).await;
            }
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

impl History {
    fn begin(settings: &Settings, aloud: bool) -> Self {
        let scripted = Scripted::new();
        let trace = Trace::begin(aloud);
        let backend = Traced { scripted: scripted.clone(), trace: trace.clone() };
        let listener = Arc::new(trace.clone());
        let pool = settings.apply(Pool::builder(backend)).events(listener).build();
        Self {
            settings: settings.clone(),
            pool: pool.expect("only valid settings are drawn"),
            scripted,
            model: Model::new(settings.clone(), trace.clone()),
            trace,
            waiters: Vec::new(),
            leases: Vec::new(),
            releases: Vec::new(),
            released: Vec::new(),
            closers: Vec::new(),
            names: 0,
        }
    }
}

// ===== comparing =====

impl History {
    fn length(&self, span: Span) -> Duration {
        match span {
            Span::Of(time) => time,
            Span::IdleTimeout => self.settings.idle_timeout.unwrap_or(Duration::from_secs(10)),
            Span::AcquireTimeout => self.settings.acquire_timeout,
            Span::NearlyALifetime => self.lifetime() * 9 / 10,
            Span::Lifetime => self.lifetime(),
        }
    }

    fn lifetime(&self) -> Duration {
        self.settings.max_lifetime.unwrap_or(Duration::from_millis(100))
    }

    async fn compare(&mut self) {
        rest(&self.trace).await;
        self.model.read(&self.trace.take(), self.trace.now());
        self.model.check_status(&self.pool.status());
        self.model.check_last_failure(self.pool.last_failure().as_ref());
        self.model.check_book(&self.scripted.book(), self.leases.len());
        self.model.check_holders(&self.pool.holders());
        self.model.check_classes(&self.pool.classes());
        self.model.check_tasks(Handle::current().metrics().num_alive_tasks());
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

    fn is_over(&self, closer: &Closer) -> bool {
        self.model.is_drained() || closer.deadline <= self.trace.now()
    }

    async fn end(mut self, ending: Ending) -> Reached {
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
        let reached = self.model.reached();
        self.drop_pool().await;
        reached
    }

    async fn close_and_wait(&mut self) {
        self.close(Duration::MAX);
        self.compare().await;
        while !self.leases.is_empty() {
            self.give_back(0, State::Dirty, Manner::Plainly);
        }
        pass(LONG_ENOUGH, &self.trace).await;
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
            drop(lease);
            model.give_back(session, State::Clean);
        }
        pass(LONG_ENOUGH, &trace).await;
        rest(&trace).await;
        model.read(&trace.take(), trace.now());
        assert!(model.is_drained(), "every session is gone: {model:?}");
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "no task is left");
        scripted.assert_all_ended();
    }
}

/// Longer than all time limits of a session's life together.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// Lets time pass, from one event to the next.
async fn pass(time: Duration, trace: &Trace) {
    tokio::select! {
        () = sleep(time) => {}
        () = trace.flooded() => {}
    }
}

/// Comes back when the pool has nothing left to do at this instant.
async fn rest(trace: &Trace) {
    let mut seen = trace.len();
    let mut still = 0;
    while still < 3 {
        yield_now().await;
        trace.check_flood();
        still = if trace.len() == seen { still + 1 } else { 0 };
        seen = trace.len();
    }
}
