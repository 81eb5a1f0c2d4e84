//! The janitor's rounds, what operates the pool, and its end.

use std::task::{Poll, Waker};

use tokio::runtime;
use tokio::time::Instant;

use super::Shared;
use crate::pool::aftermath::Aftermath;
use crate::pool::janitor::Janitor;
use crate::pool::ledger::Round;
use crate::pool::listeners::News;
use crate::pool::parcel::Parcel;
use crate::pool::places::Home;
use crate::pool::watchers::WatcherId;
use crate::status::{CloseReport, Closed};
use crate::sync::Arc;
use crate::{ConfigError, Pause, Session};

/// Nobody keeps the pool's time, and there is no runtime to do it on.
#[derive(Debug)]
pub(crate) struct NoJanitor;

impl<S: Session> Shared<S> {
    /// Sees to it that there is a janitor; answers whether it is a new one.
    pub(crate) fn ensure_janitor(self: &Arc<Self>) -> Result<bool, NoJanitor> {
        let runtime = runtime::Handle::try_current().ok();
        let id = runtime.as_ref().map(runtime::Handle::id);
        let home = {
            let mut books = self.books();
            let home = books.ledger.seat_janitor(id);
            if books.ledger.seat.is_empty() {
                return Err(NoJanitor);
            }
            home
        };
        self.start_janitor(home, runtime.as_ref());
        Ok(home.is_some())
    }

    pub(super) fn start_janitor(
        self: &Arc<Self>,
        home: Option<Home>,
        runtime: Option<&runtime::Handle>,
    ) {
        if let (Some(home), Some(runtime)) = (home, runtime) {
            Janitor::start(self, home, runtime);
        }
    }

    /// Starts a janitor at once if there is a stock to keep and a runtime to do
    /// it on.
    pub(crate) fn fill_stock(self: &Arc<Self>) {
        let min_idle = self.books().ledger.limits.min_idle;
        if min_idle > 0 {
            let _ = self.ensure_janitor();
        }
    }

    /// Everything that is due, and what there is to tell of it.
    pub(crate) fn round(&self) -> (Round<Parcel<S>>, Option<News>) {
        let now = Instant::now();
        let mut aftermath = Aftermath::new();
        let round = self.books().ledger.round(now, &mut aftermath);
        let Some((aborted, events)) = aftermath.carry_out() else { return (round, None) };
        self.finish(aborted, &[]);
        let news = (!events.is_empty()).then(|| News::new(&self.listeners, events));
        (round, news)
    }

    pub(crate) fn janitor_was_called(&self, waker: Waker) -> bool {
        let (called, _spare) = self.books().ledger.seat.was_called(waker);
        called
    }

    pub(crate) fn janitor_lost(&self, home: Home) {
        let now = Instant::now();
        self.change(|books, aftermath| books.ledger.janitor_lost(now, home, aftermath));
    }

    pub(crate) fn time_is_virtual(&self) {
        self.books().clock.time_is_virtual();
    }

    pub(crate) fn flush(&self) {
        self.change(|books, aftermath| books.ledger.flush(aftermath));
    }

    pub(crate) fn recall_idle(&self, sessions: usize) -> usize {
        self.change(|books, aftermath| books.ledger.recall_idle(sessions, aftermath))
    }

    pub(crate) fn open_again(&self) {
        self.change(|books, aftermath| books.ledger.open_again(aftermath));
    }

    pub(crate) fn pause(&self, pause: Pause) {
        self.change(|books, aftermath| books.ledger.pause(pause, aftermath));
    }

    pub(crate) fn resume(self: &Arc<Self>) {
        let now = Instant::now();
        let runtime = runtime::Handle::try_current().ok();
        let id = runtime.as_ref().map(runtime::Handle::id);
        let home = self.change(|books, aftermath| {
            books.ledger.resume(now, aftermath);
            books.ledger.seat_janitor_for_work(id)
        });
        self.start_janitor(home, runtime.as_ref());
    }

    pub(crate) fn resize(&self, max_size: usize) -> Result<(), ConfigError> {
        let now = Instant::now();
        self.change(|books, aftermath| {
            books.ledger.limits.check_size(max_size)?;
            books.ledger.resize(now, max_size, aftermath);
            Ok(())
        })
    }

    pub(crate) fn want_open(&self, id: WatcherId, sessions: usize) {
        self.change(|books, aftermath| books.ledger.want_open(id, sessions, aftermath));
    }

    pub(crate) fn want_open_no_more(&self, id: WatcherId) {
        self.change(|books, aftermath| books.ledger.want_open_no_more(id, aftermath));
    }

    pub(crate) fn another_opened(
        &self,
        id: WatcherId,
        before: u64,
        waker: &Waker,
    ) -> Poll<Option<u64>> {
        let waker = waker.clone(); // other people's code
        self.change(|books, aftermath| books.ledger.another_opened(id, before, waker, aftermath))
    }

    pub(crate) fn close(&self) {
        self.change(|books, aftermath| books.ledger.close(aftermath));
    }

    pub(crate) fn is_closed(&self) -> bool {
        !self.books().ledger.is_open()
    }

    pub(crate) fn is_drained(&self, closer: WatcherId, waker: Waker) -> bool {
        self.change(|books, aftermath| books.ledger.is_drained(closer, waker, aftermath))
    }

    pub(crate) fn stop_waiting(&self, closer: WatcherId) {
        self.change(|books, aftermath| books.ledger.stop_waiting(closer, aftermath));
    }

    pub(crate) fn close_report(&self) -> CloseReport {
        let now = Instant::now();
        let books = self.books();
        let ledger = &books.ledger;
        let leased = ledger.places.tally().leased;
        let before = ledger.before_close.as_deref().copied().unwrap_or_default();
        let ended = |closed: &Closed| closed.total() - closed.detached;
        let gone = ended(&ledger.counters.closed) - ended(&before.closed);
        let failed = ledger.counters.close_failed - before.close_failed;
        CloseReport {
            closed: gone - failed,
            failed,
            in_progress: ledger.places.taken() - leased,
            still_out: ledger.holders(now, usize::MAX),
        }
    }
}
