//! What happened, in the order in which it happened: every call to the backend,
//! its end, and every wake-up, each with its time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;
use std::{fmt, future};

use sessionpool_core::event::{Closing, Ending, Opening};
use sessionpool_core::{Fault, PoolEvents};
use tokio::runtime;
use tokio::time::Instant;

/// Written by the backend, its sessions and the wakers; read by the reference.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Inner>);

struct Inner {
    start: Instant,
    /// Knows the virtual time, on whatever thread.
    runtime: runtime::Handle,
    /// True if it is told as it happens.
    aloud: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    /// Who hears of it when there are too many of them.
    flooded: Option<Waker>,
    openings: u64,
    opens_unclean: bool,
    /// All endings that were told.
    endings: BTreeMap<u64, (Duration, Ending)>,
}

/// No step has that many consequences.
const FLOOD: usize = 2_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Since the history began.
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Began(Call),
    /// A [`Call::Open`] ended well.
    Opened {
        opening: u64,
        session: u64,
        clean: bool,
    },
    Ended(Call, Outcome),
    Aborted(u64),
    /// The pool told its listener that it opens one more.
    Opening(u64),
    /// The pool told its listener why it ends the session of that number of its own.
    Ending(u64, Ending),
    Woken(Who),
}

/// A call to the backend; openings are numbered, the rest go by their session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open(u64),
    Check(u64),
    Release(u64),
    Close(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    Badly(Fault),
    Panicked,
    /// Its future was dropped.
    CutOff,
}

/// Whose waker; each kind has its own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Waiter(u32),
    Releaser(u32),
    Closer(u32),
}

impl Trace {
    /// Begins now, on this runtime; `aloud` prints it, too.
    pub(crate) fn begin(aloud: bool) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            runtime: runtime::Handle::current(),
            aloud,
            state: Mutex::default(),
        }))
    }

    pub(crate) fn now(&self) -> Duration {
        let _inside = self.0.runtime.enter();
        self.0.start.elapsed()
    }

    pub(crate) fn note(&self, event: Event) {
        let at = self.now();
        self.tell(&event);
        let flooded = self.with(|state| {
            state.entries.push(Entry { at, event });
            state.flooded.take_if(|_| state.entries.len() > FLOOD)
        });
        if let Some(waker) = flooded {
            waker.wake();
        }
    }

    /// Prints what happens now, if it is told aloud.
    pub(crate) fn tell(&self, what: &impl fmt::Debug) {
        if self.0.aloud {
            println!("{:>10.3?} {what:?}", self.now());
        }
    }

    /// Waits until something goes round in circles.
    ///
    /// # Panics
    ///
    /// Then.
    pub(crate) async fn flooded(&self) {
        future::poll_fn(|cx| {
            self.check_flood();
            self.with(|state| state.flooded = Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    pub(crate) fn check_flood(&self) {
        assert!(self.len() <= FLOOD, "the pool does not come to rest");
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|state| state.entries.len())
    }

    pub(crate) fn take(&self) -> Vec<Entry> {
        self.with(|state| std::mem::take(&mut state.entries))
    }

    pub(crate) fn next_opening(&self) -> u64 {
        self.with(|state| {
            state.openings += 1;
            state.openings
        })
    }

    /// Has the backend break the rule that an opened session is clean.
    pub(crate) fn set_opens_unclean(&self, unclean: bool) {
        self.with(|state| state.opens_unclean = unclean);
    }

    pub(crate) fn opens_unclean(&self) -> bool {
        self.with(|state| state.opens_unclean)
    }

    /// When and why the pool said that it ends the session of that number.
    pub(crate) fn told_of(&self, number: u64) -> Option<(Duration, Ending)> {
        self.with(|state| state.endings.get(&number).copied())
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.state.lock().expect("nothing under this lock panics"))
    }
}

impl PoolEvents for Trace {
    fn opening(&self, _: Option<&str>, &Opening { opening, .. }: &Opening) {
        self.note(Event::Opening(opening));
    }

    fn closing(&self, _: Option<&str>, &Closing { session, ending, .. }: &Closing) {
        let at = self.now();
        self.with(|state| state.endings.insert(session, (at, ending)));
        self.note(Event::Ending(session, ending));
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

/// A call under way; dropped without having [ended](Self::end), it was cut off.
#[derive(Debug)]
pub(crate) struct UnderWay {
    trace: Trace,
    call: Call,
    ended: bool,
}

impl UnderWay {
    pub(crate) fn begin(trace: &Trace, call: Call) -> Self {
        trace.note(Event::Began(call));
        Self { trace: trace.clone(), call, ended: false }
    }

    pub(crate) fn end(self, outcome: Outcome) {
        let event = Event::Ended(self.call, outcome);
        self.end_as(event);
    }

    pub(crate) fn end_as(mut self, event: Event) {
        self.ended = true;
        self.trace.note(event);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.ended {
            let panicked = std::thread::panicking();
            let outcome = if panicked { Outcome::Panicked } else { Outcome::CutOff };
            self.trace.note(Event::Ended(self.call, outcome));
        }
    }
}
