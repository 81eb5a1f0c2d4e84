//! Whether the pool says of itself what the reference does.

use std::cmp::Reverse;
use std::time::Duration;

use sessionpool_core::{CloseReport, Holder, Phase, Status, TimedOut};
use sessionpool_testkit::Book;

use super::{Model, Stage, Waiting};

#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    opening: usize,
    idle: usize,
    leased: usize,
    cleaning: usize,
    closing: usize,
    waiters: usize,
    oldest_waiter: Option<Duration>,
    closed: bool,
}

impl Model {
    pub(crate) fn check_status(&self, status: &Status) {
        assert_eq!(Sizes::of(status), self.sizes(), "the pool's sizes and the reference's");
        assert_eq!(status.counters, self.counters, "the pool's counters and the reference's");
        assert_eq!(status.max_size, self.settings.max_size, "{status}");
        assert_eq!((status.paused, status.generation), (self.pause.is_some(), self.generation));
        assert!(status.size() <= self.largest_size, "{status}");
        assert!(status.idle == 0 || status.waiters == 0 || status.paused, "{status}");
        assert!(status.is_balanced(), "{status:?}");
    }

    pub(crate) fn check_holders(&self, holders: &[Holder]) {
        assert_eq!(holders.len(), self.leased(), "{holders:?}");
        assert!(holders.is_sorted_by_key(|holder| Reverse(holder.held)), "{holders:?}");
    }

    /// A pool with nothing open has no task, unless somebody waits or the stock is
    /// to be filled.
    pub(crate) fn check_tasks(&self, alive: usize) {
        let fills_stock = self.is_stock_low(0) && self.pause.is_none();
        let has_work = self.taken() > 0 || !self.queue.is_empty() || fills_stock;
        assert_eq!(alive > 0, has_work && !self.is_at_its_end(), "tasks alive: {alive}");
    }

    fn is_at_its_end(&self) -> bool {
        self.is_closed() && self.is_drained()
    }

    pub(crate) fn check_book(&self, book: &Book, leases: usize) {
        assert!(book.violations.is_empty(), "{:?}", book.violations);
        assert_eq!(book.live, self.taken(), "{book:?}");
        assert_eq!(book.opening, self.openings.len(), "{book:?}");
        assert_eq!(book.held, leases, "{book:?}");
        assert!(book.peak <= self.largest_size, "{book:?}");
    }

    pub(crate) fn check_timed_out(&self, waiting: &Waiting, told: &TimedOut) {
        let waited = self.now - waiting.since;
        let opening = (self.opening_time - waiting.mark).min(waited);
        let phase = if self.is_opening() { Phase::Opening } else { Phase::Queueing };
        assert_eq!(told.limit, waiting.limit);
        assert!(!told.runtime_stalled, "{told}");
        assert_eq!((told.queueing, told.opening), (waited - opening, opening), "{told}");
        assert_eq!(told.phase, phase, "{told}");
        assert_eq!(told.holders.len(), self.leased().min(5), "{told}");
        let told_failure =
            told.last_failure.as_ref().map(|last| (last.fault, last.age, last.streak));
        let failure =
            self.outage.last.map(|(fault, at)| (fault, self.now - at, self.outage.streak));
        assert_eq!(told_failure, failure, "{told}");
    }

    pub(crate) fn check_report(&self, report: &CloseReport) {
        let before = self.before_close.unwrap_or_default();
        let gone = self.counters.closed.total() - before.closed.total();
        let failed = self.counters.close_failed - before.close_failed;
        assert_eq!((report.closed, report.failed), (gone - failed, failed), "{report}");
        assert_eq!(report.in_progress, self.taken() - self.leased(), "{report}");
        assert_eq!(report.still_out.len(), self.leased(), "{report}");
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            opening: self.opening(),
            idle: self.stock.len(),
            leased: self.leased(),
            cleaning: self.count(|stage| matches!(stage, Stage::Cleaning(_))),
            closing: self.count(|stage| matches!(stage, Stage::Closing(..))),
            waiters: self.queue.len(),
            oldest_waiter: self.queue.front().map(|first| self.now - first.since),
            closed: self.is_closed(),
        }
    }
}

impl Sizes {
    const fn of(status: &Status) -> Self {
        let Status { opening, idle, leased, cleaning, closing, .. } = *status;
        let Status { waiters, oldest_waiter, closed, .. } = *status;
        Self { opening, idle, leased, cleaning, closing, waiters, oldest_waiter, closed }
    }
}
