use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{Backend, Fault};

use self::act::Answer;
use self::ledger::{Ledger, Opening, State};

mod act;
mod book;
mod error;
mod ledger;
mod session;
mod transaction;
mod verb;

pub use self::act::Act;
pub use self::book::Book;
pub use self::error::ScriptedError;
pub use self::ledger::Hold;
pub use self::session::ScriptedSession;
pub use self::verb::Verb;

/// A backend that does what it is told, call by call, and keeps its own book of
/// what was done to it.
///
/// Clones are handles to the same remote end: give one to the pool and keep one.
///
/// When the last handle and the last session are gone, and a rule was broken,
/// the drop panics and lists what happened, so that every test with a `Scripted`
/// also checks the pool's housekeeping. A panic in a spawned task goes unseen
/// and a leaked session keeps the book alive: end a test with
/// [`assert_all_ended`](Self::assert_all_ended) where it can.
///
/// ```
/// use sessionpool_core::{Backend, Fault, Session};
/// use sessionpool_testkit::{Act, Scripted, Verb};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let backend = Scripted::new().at_most(1);
/// backend.next(Verb::Open, Act::fail(Fault::Transient));
///
/// let error = backend.open().await.unwrap_err();
/// assert_eq!(error.to_string(), "scripted open failed: transient failure");
///
/// let session = backend.open().await.unwrap();
/// Session::close(session).await.unwrap();
/// backend.assert_all_ended();
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Scripted {
    ledger: Arc<Ledger>,
}

impl Scripted {
    /// A remote end where everything succeeds at once.
    #[must_use]
    pub fn new() -> Self {
        Self { ledger: Arc::default() }
    }

    /// Tells living remote ends apart: clones have the same.
    #[must_use]
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.ledger).addr()
    }

    /// Has the book report more than this many sessions at a time. Default: no
    /// limit.
    #[must_use]
    pub fn at_most(self, sessions: usize) -> Self {
        self.ledger.with(|state| state.limit(sessions));
        self
    }

    /// Has sessions say from now on that the remote end lets them lie idle for so long.
    /// Default: they know nothing of that.
    pub fn idle_limit(&self, limit: impl Into<Option<Duration>>) {
        self.ledger.with(|state| state.idle_limit = limit.into());
    }

    /// Queues `act` for a coming call of `verb`; when the queue is used up the
    /// standing act is back.
    #[allow(clippy::must_use_candidate, reason = "the handle is returned for chaining only")]
    pub fn next(&self, verb: Verb, act: Act) -> &Self {
        self.ledger.with(|state| state.part(verb).queue(act));
        self
    }

    /// Sets what every call of `verb` does when nothing is queued. Default:
    /// [`Act::succeed`].
    #[allow(clippy::must_use_candidate, reason = "the handle is returned for chaining only")]
    pub fn always(&self, verb: Verb, act: Act) -> &Self {
        self.ledger.with(|state| state.part(verb).stand(act));
        self
    }

    /// The book as it is now.
    #[must_use]
    pub fn book(&self) -> Book {
        self.ledger.snapshot()
    }

    /// Waits until `verb` was called at least `times` times in total; a call
    /// counts from its first poll.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn called(&self, verb: Verb, times: usize) {
        self.ledger.until(|book| book.calls(verb) >= times).await;
    }

    /// Waits until at least this many sessions were ended in total, in whatever
    /// way.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn ended(&self, sessions: usize) {
        self.ledger.until(|book| book.ended() >= sessions).await;
    }

    /// The rows that are durable at the remote end, in the order of their commit.
    #[must_use]
    pub fn committed(&self) -> Vec<String> {
        self.ledger.with(|state| state.rows())
    }

    /// The remote end goes away and comes back: every session opened before
    /// finds itself `Broken(Fault::SessionLost)` at its next call, or
    /// [`touch`](ScriptedSession::touch).
    pub fn lose_sessions(&self) {
        self.ledger.with(State::lose_sessions);
    }

    /// Leaves broken rules unpunished when the book is dropped, for tests that
    /// break them on purpose. [`assert_all_ended`](Self::assert_all_ended) still
    /// reports them.
    pub fn forgive(&self) {
        self.ledger.with(State::forgive);
    }

    /// Checks that every session was ended exactly once, none is being opened,
    /// and no rule was broken.
    ///
    /// # Panics
    ///
    /// Where that is not so, with all that is known.
    pub fn assert_all_ended(&self) {
        let never_ended = self.ledger.with(|state| state.never_ended());
        let book = self.book();
        assert!(book.violations.is_empty(), "rules broken: {}", book.violations.join("; "));
        assert!(never_ended.is_empty(), "sessions never ended: {never_ended:?}, {book:?}");
        assert_eq!(book.opening, 0, "sessions still being opened: {book:?}");
        assert_eq!(book.opened, book.ended(), "opened and ended differ: {book:?}");
    }
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Scripted {
    type Session = ScriptedSession;

    async fn open(&self) -> Result<ScriptedSession, ScriptedError> {
        let (opening, act) = Opening::start(Arc::clone(&self.ledger));
        match act.play(Verb::Open).await {
            Answer::Success | Answer::RolledBack => {
                let (id, generation) = opening.succeed();
                Ok(ScriptedSession::new(Arc::clone(&self.ledger), id, generation))
            }
            Answer::Failure(fault) => Err(ScriptedError::new(Verb::Open, fault)),
            Answer::Lost => Err(ScriptedError::new(Verb::Open, Fault::OutcomeUnknown)),
        }
    }

    async fn check(&self, session: &mut ScriptedSession) -> Result<(), ScriptedError> {
        session.check().await
    }
}
