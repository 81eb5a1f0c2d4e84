//! Whether the pool says of itself what the reference does.

use std::cmp::Reverse;
use std::time::Duration;

use sessionpool_core::{ClassStatus, CloseReport, Holder, LastFailure, Phase, Status, TimedOut};
use sessionpool_testkit::Book;

use super::{Model, Stage, Waiting};

#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    opening: usize,
    idle: usize,
    leased: usize,
    checking: usize,
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
        let served = self.servable() <= self.serving_checks();
        assert!(status.idle == 0 || served || status.paused, "{status}");
        assert!(status.is_balanced(), "{status:?}");
    }

    pub(crate) fn check_holders(&self, holders: &[Holder]) {
        assert_eq!(holders.len(), self.leased(), "{holders:?}");
        assert!(holders.is_sorted_by_key(|holder| Reverse(holder.held)), "{holders:?}");
    }

    pub(crate) fn check_classes(&self, classes: &[ClassStatus]) {
        assert_eq!(classes.len(), self.shares.len(), "{classes:?}");
        for (class, (told, share)) in classes.iter().zip(&self.shares).enumerate() {
            let waiters = self.queue.iter().filter(|it| it.class == Some(class)).count();
            let sizes = (told.limit, told.leased, told.waiters);
            let (limit, leased) = share.sizes();
            assert_eq!(sizes, (Some(limit), leased, waiters), "of {}", told.name);
            assert!(leased <= limit, "{told:?}");
        }
    }

    /// A pool with nothing open has no task, unless somebody waits or the stock is
    /// to be filled.
    pub(crate) fn check_tasks(&self, alive: usize) {
        let wants_one = self.is_stock_low(0, self.stock.len()) || self.was_asked;
        let fills_stock = wants_one && self.pause.is_none();
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
        let Waiting { since, limit, class, marks: (opened, checked, full), .. } = *waiting;
        let waited = self.now - since;
        // While its kind of work has all it may, nothing that is opened serves it.
        let full = class.map_or(Duration::ZERO, |class| self.shares[class].full_time - full);
        let rest = waited - full;
        let opening = (self.opening_time - opened).min(rest);
        let checking = (self.checking_time - checked).min(rest - opening);
        let phase = match self.has_room(class) {
            true if self.is_opening() => Phase::Opening,
            true if self.checking() > 0 => Phase::Checking,
            _ => Phase::Queueing,
        };
        assert_eq!(told.limit, limit);
        assert!(!told.runtime_stalled, "{told}");
        let times = (told.queueing, told.checking, told.opening);
        assert_eq!(times, (waited - opening - checking, checking, opening), "{told}");
        assert_eq!(told.phase, phase, "{told}");
        assert_eq!(told.holders.len(), self.leased().min(5), "{told}");
        self.check_last_failure(told.last_failure.as_ref());
    }

    pub(crate) fn check_last_failure(&self, told: Option<&LastFailure>) {
        let last = self.outage.last;
        let last = last.map(|(fault, at)| (fault, self.now - at, self.outage.streak));
        assert_eq!(told.map(|told| (told.fault, told.age, told.streak)), last, "{told:?}");
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
            checking: self.checking(),
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
        let Status { opening, idle, leased, checking, cleaning, closing, .. } = *status;
        let Status { waiters, oldest_waiter, closed, .. } = *status;
        Self { opening, idle, leased, checking, cleaning, closing, waiters, oldest_waiter, closed }
    }
}
