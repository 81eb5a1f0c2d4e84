use std::sync::Arc;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::POOL;
use crate::event::{
    Cancelled, Closed, Leaked, Lent, OpenFailed, Opened, PoolEvents, Reason, Refused, Returned,
    TimedOut,
};
use crate::{Counters, Fault};

/// What happens in a pool.
pub(super) struct Meter {
    timeouts: Counter,
    create_time: Histogram,
    wait_time: Histogram,
    use_time: Histogram,
    refused: ByWord,
    cancelled: Counter,
    open_failures: ByWord,
    closed: ByWord,
    unconfirmed: Counter,
    leaked: Counter,
}

const TIMEOUTS: &str = "db.client.connection.timeouts";
const CREATE_TIME: &str = "db.client.connection.create_time";
const WAIT_TIME: &str = "db.client.connection.wait_time";
const USE_TIME: &str = "db.client.connection.use_time";
const REFUSED: &str = "sessionpool.acquire.refused";
const CANCELLED: &str = "sessionpool.acquire.cancelled";
const OPEN_FAILURES: &str = "sessionpool.session.open_failures";
const CLOSED: &str = "sessionpool.session.closed";
const UNCONFIRMED: &str = "sessionpool.session.unconfirmed";
const LEAKED: &str = "sessionpool.session.leaked";

const REASON: &str = "sessionpool.reason";
const ERROR_TYPE: &str = "error.type";

impl Meter {
    pub(super) fn of(pool: &Arc<str>) -> Self {
        describe();
        let count = |name: &'static str| counter!(name, POOL => Arc::clone(pool));
        let endings = Counters::default().closed.by_ending();
        let time = |name: &'static str| histogram!(name, POOL => Arc::clone(pool));
        Self {
            timeouts: count(TIMEOUTS),
            create_time: time(CREATE_TIME),
            wait_time: time(WAIT_TIME),
            use_time: time(USE_TIME),
            refused: ByWord::of(pool, REFUSED, REASON, Reason::ALL.map(Reason::as_str)),
            cancelled: count(CANCELLED),
            open_failures: ByWord::of(
                pool,
                OPEN_FAILURES,
                ERROR_TYPE,
                Fault::ALL.map(Fault::as_str),
            ),
            closed: ByWord::of(pool, CLOSED, REASON, endings.map(|(it, _)| it.as_str())),
            unconfirmed: count(UNCONFIRMED),
            leaked: count(LEAKED),
        }
    }
}

impl PoolEvents for Meter {
    fn lent(&self, _: Option<&str>, event: &Lent) {
        self.wait_time.record(event.waits.total());
    }

    fn timed_out(&self, _: Option<&str>, _: &TimedOut) {
        self.timeouts.increment(1);
    }

    fn cancelled(&self, _: Option<&str>, _: &Cancelled) {
        self.cancelled.increment(1);
    }

    fn refused(&self, _: Option<&str>, event: &Refused) {
        self.refused.increment(event.reason.as_str());
    }

    fn returned(&self, _: Option<&str>, event: &Returned) {
        self.use_time.record(event.held());
    }

    fn leaked(&self, _: Option<&str>, _: &Leaked) {
        self.leaked.increment(1);
    }

    fn opened(&self, _: Option<&str>, event: &Opened) {
        self.create_time.record(event.took);
    }

    fn open_failed(&self, _: Option<&str>, event: &OpenFailed) {
        self.open_failures.increment(event.fault.as_str());
    }

    fn closed(&self, _: Option<&str>, event: &Closed) {
        self.closed.increment(event.ending.as_str());
        if !event.confirmed {
            self.unconfirmed.increment(1);
        }
    }
}

/// A counter for each word that an attribute may have, so that all are there before
/// anything happens.
struct ByWord(Vec<(&'static str, Counter)>);

impl ByWord {
    fn of(
        pool: &Arc<str>,
        name: &'static str,
        attribute: &'static str,
        words: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let counter = |word| (word, counter!(name, POOL => Arc::clone(pool), attribute => word));
        Self(words.into_iter().map(counter).collect())
    }

    fn increment(&self, word: &str) {
        let counter = self.0.iter().find(|(of, _)| *of == word);
        debug_assert!(counter.is_some(), "no counter for {word}");
        counter.into_iter().for_each(|(_, counter)| counter.increment(1));
    }
}

fn describe() {
    let timeouts = "The number of connection timeouts that have occurred trying to obtain a \
                    connection from the pool";
    describe_counter!(TIMEOUTS, Unit::Count, timeouts);
    let create_time = "The time it took to create a new connection";
    describe_histogram!(CREATE_TIME, Unit::Seconds, create_time);
    let wait_time = "The time it took to obtain an open connection from the pool";
    describe_histogram!(WAIT_TIME, Unit::Seconds, wait_time);
    let use_time = "The time between borrowing a connection and returning it to the pool";
    describe_histogram!(USE_TIME, Unit::Seconds, use_time);
    describe_counter!(REFUSED, Unit::Count, "Acquires told that they get no session");
    describe_counter!(CANCELLED, Unit::Count, "Acquires dropped while they waited");
    describe_counter!(OPEN_FAILURES, Unit::Count, "Openings of sessions that failed");
    describe_counter!(CLOSED, Unit::Count, "Sessions gone");
    let unconfirmed = "Sessions ended without the remote end's word";
    describe_counter!(UNCONFIRMED, Unit::Count, unconfirmed);
    describe_counter!(LEAKED, Unit::Count, "Leases that lasted longer than leak_detection");
}
