use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::act::Part;
use super::{Act, Book, Verb};

/// The truth about a scripted remote end: shared by the backend's handles and
/// its sessions, behind one lock that is never held while anybody is woken.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    parts: BTreeMap<Verb, Part>,
    /// `opening`, `live`, `held` and `open_calls` are filled in by `snapshot`.
    book: Book,
    opening: usize,
    live: BTreeSet<u64>,
    held: BTreeSet<u64>,
    at_most: Option<usize>,
    pub(super) idle_limit: Option<Duration>,
    generation: u64,
    rows: Vec<String>,
    forgiven: bool,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Aborted,
    Dropped,
}

impl Ledger {
    /// Waits until `done` says so of the book.
    pub(super) async fn until(&self, done: impl Fn(&Book) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(&self.snapshot()) {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn snapshot(&self) -> Book {
        self.lock().snapshot()
    }

    /// Reads or changes the state without telling those who wait.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.lock())
    }

    /// Changes the state and wakes those who wait for it.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let value = self.with(work);
        self.changed.notify_waiters();
        value
    }

    /// Books a call on a session.
    pub(super) fn call(&self, verb: Verb, id: u64) -> Act {
        self.change(|state| {
            if verb.is_the_pools() && state.held.contains(&id) {
                state.violate(format!("{verb} of session {id} while it is held"));
            }
            state.call(verb)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn part(&mut self, verb: Verb) -> &mut Part {
        self.parts.entry(verb).or_default()
    }

    pub(super) fn limit(&mut self, sessions: usize) {
        self.at_most = Some(sessions);
    }

    pub(super) fn forgive(&mut self) {
        self.forgiven = true;
    }

    pub(super) fn violate(&mut self, what: String) {
        self.book.violations.push(what);
    }

    pub(super) fn rows(&self) -> Vec<String> {
        self.rows.clone()
    }

    pub(super) fn commit(&mut self, rows: impl IntoIterator<Item = String>) {
        self.rows.extend(rows);
    }

    pub(super) const fn lose_sessions(&mut self) {
        self.generation += 1;
    }

    /// True if the remote end went away since `generation`.
    pub(super) const fn is_lost(&self, generation: u64) -> bool {
        generation < self.generation
    }

    pub(super) fn hold(&mut self, id: u64) {
        if !self.held.insert(id) {
            self.violate(format!("session {id} has two holders"));
        }
    }

    pub(super) fn end(&mut self, id: u64, how: End) {
        match how {
            End::Closed => self.book.closed += 1,
            End::Aborted => self.book.aborted += 1,
            End::Dropped => {
                self.book.dropped += 1;
                self.violate(format!("session {id} was dropped without being ended"));
            }
        }
        if !self.live.remove(&id) {
            self.violate(format!("session {id} was ended twice"));
        }
    }

    /// Sessions that nothing has ended yet.
    pub(super) fn never_ended(&self) -> Vec<u64> {
        self.live.iter().copied().collect()
    }

    fn call(&mut self, verb: Verb) -> Act {
        *self.book.calls.entry(verb).or_default() += 1;
        self.part(verb).next()
    }

    fn start_open(&mut self) -> Act {
        self.opening += 1;
        let live = self.opening + self.live.len();
        self.book.peak = self.book.peak.max(live);
        match self.at_most {
            Some(most) if live > most => {
                self.violate(format!("{live} sessions live where {most} are allowed"));
            }
            _ => {}
        }
        self.call(Verb::Open)
    }

    fn succeed_open(&mut self) -> (u64, u64) {
        self.opening -= 1;
        self.book.opened += 1;
        let id = self.book.opened as u64;
        self.live.insert(id);
        (id, self.generation)
    }

    fn snapshot(&self) -> Book {
        let mut book = self.book.clone();
        book.opening = self.opening;
        book.live = self.opening + self.live.len();
        book.held = self.held.len();
        book.open_calls = book.calls(Verb::Open);
        book
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let violations = mem::take(&mut state.book.violations);
        if !state.forgiven && !violations.is_empty() && !std::thread::panicking() {
            panic!("the scripted backend was ill-used: {}", violations.join("; "));
        }
    }
}

/// An `open` under way: dropped, it leaves nothing at the remote end.
#[derive(Debug)]
pub(super) struct Opening {
    ledger: Arc<Ledger>,
    under_way: bool,
}

impl Opening {
    pub(super) fn start(ledger: Arc<Ledger>) -> (Self, Act) {
        let act = ledger.change(State::start_open);
        (Self { ledger, under_way: true }, act)
    }

    /// The new session's number, and the remote end's generation.
    pub(super) fn succeed(mut self) -> (u64, u64) {
        self.under_way = false;
        self.ledger.change(State::succeed_open)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.under_way {
            self.ledger.change(|state| state.opening -= 1);
        }
    }
}

/// A borrower at work with a session: while it lives, nobody else may hold the
/// session and the pool must leave it alone.
///
/// Drop it before the lease is given back.
#[derive(Debug)]
#[must_use = "the session is held only as long as this lives"]
pub struct Hold {
    ledger: Arc<Ledger>,
    id: u64,
}

impl Hold {
    pub(super) fn take(ledger: Arc<Ledger>, id: u64) -> Self {
        ledger.change(|state| state.hold(id));
        Self { ledger, id }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.ledger.change(|state| state.held.remove(&self.id));
    }
}
