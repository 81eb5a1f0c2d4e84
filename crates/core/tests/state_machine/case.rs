//! What a history is made of.

use std::time::Duration;

use sessionpool_core::{Fault, Pause, PoolBuilder, Session};
use sessionpool_testkit::{Act, Verb};

/// One history: a pool, and what is done to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) settings: Settings,
    /// Whether whoever is woken is polled at once, as executors do when they can,
    /// or only by a step.
    pub(crate) attentive: bool,
    /// Seeds the jitter of the back-off, so that a failing case fails again.
    pub(crate) jitter: u64,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_size: usize,
    pub(crate) max_idle: usize,
    pub(crate) min_idle: usize,
    pub(crate) max_waiters: usize,
    pub(crate) max_connecting: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) release_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) fail_fast_after: Option<Duration>,
    pub(crate) check_after_idle: Option<Duration>,
    pub(crate) check_timeout: Duration,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) max_uses: Option<u64>,
    /// As many of [`CLASSES`] as there are.
    pub(crate) classes: Vec<Class>,
}

/// A kind of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    pub(crate) limit: usize,
    pub(crate) timeout: Option<Duration>,
}

/// Their names.
pub(crate) const CLASSES: [&str; 2] = ["report", "import"];

/// What happens next. Numbers pick among what is there at the time (the third of
/// two is the first); where nothing is there, nothing happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// For a kind of work, if there are any.
    Acquire(Patience, Option<usize>),
    TryAcquire,
    /// Polls a waiter, from another task if `moved`.
    Poll {
        waiter: usize,
        moved: bool,
    },
    /// Polls the first waiter that was woken.
    PollWoken,
    /// Drops a waiter.
    Leave(usize),
    /// Drops a lease.
    Return {
        lease: usize,
        state: State,
        manner: Manner,
    },
    /// Begins `Lease::release`.
    Release {
        lease: usize,
        state: State,
    },
    PollRelease(usize),
    DropRelease(usize),
    /// From now on, the backend does so.
    Backend(Verb, Plan),
    Advance(Span),
    Flush,
    Pause(Pause),
    Resume,
    /// To so many more than it has to keep idle.
    Resize(usize),
    Close(Duration),
    PollClose(usize),
    DropClose(usize),
}

/// How long an acquire is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    PoolsOwn,
    Of(Duration),
}

/// What a borrower leaves behind on its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Clean,
    Dirty,
    Broken,
    /// Broken, and the backend is lost, as it says.
    Lost,
}

/// How a lease is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Plainly,
    OnAnotherThread,
    WhileUnwinding,
}

/// What a call to the backend does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) takes: Duration,
    pub(crate) ends: End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Well,
    Badly(Fault),
    Never,
    Panicking,
    /// Against the rules, `open` answers with a session that is not clean.
    Unclean,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    Of(Duration),
    IdleTimeout,
    AcquireTimeout,
    /// To when a session opened now may be old, and may be not.
    NearlyALifetime,
    Lifetime,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Close,
    DropPool,
}

impl Settings {
    /// No smaller one is valid.
    pub(crate) fn smallest_size(&self) -> usize {
        self.max_idle.max(1)
    }

    /// The time an acquire is given that asks for none.
    pub(crate) fn patience(&self, class: Option<usize>) -> Duration {
        let of_class = class.and_then(|class| self.classes[class].timeout);
        of_class.unwrap_or(self.acquire_timeout)
    }

    pub(crate) fn apply<S: Session>(&self, builder: PoolBuilder<S>) -> PoolBuilder<S> {
        let named = CLASSES.into_iter().zip(&self.classes);
        let builder = named.fold(builder, |builder, (name, class)| {
            let builder = builder.limit(name, class.limit);
            match class.timeout {
                Some(timeout) => builder.class_timeout(name, timeout),
                None => builder,
            }
        });
        builder
            .max_size(self.max_size)
            .max_idle(self.max_idle)
            .min_idle(self.min_idle)
            .max_waiters(self.max_waiters)
            .max_connecting(self.max_connecting)
            .acquire_timeout(self.acquire_timeout)
            .connect_timeout(self.connect_timeout)
            .release_timeout(self.release_timeout)
            .close_timeout(self.close_timeout)
            .idle_timeout(self.idle_timeout)
            .fail_fast_after(self.fail_fast_after)
            .check_after_idle(self.check_after_idle)
            .check_timeout(self.check_timeout)
            .max_lifetime(self.max_lifetime)
            .max_uses(self.max_uses)
    }
}

impl Plan {
    pub(crate) const SUCCEED: Self = Self { takes: Duration::ZERO, ends: End::Well };

    pub(crate) fn act(self) -> Act {
        let act = Act::take(self.takes);
        match self.ends {
            End::Well | End::Unclean => act,
            End::Badly(fault) => act.then_fail(fault),
            End::Never => act.then(&Act::hang()),
            End::Panicking => act.then_panic(),
        }
    }
}
