//! A listener that keeps what it is told, and checks that whatever began has ended,
//! once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use sessionpool_core::event::{
    Cancelled, Checked, Checking, Cleaned, Cleaning, Closed, Closing, Ending, Event, Flushed,
    HookFailed, Leaked, Lent, OpenFailed, Opened, Opening, Outlived, Queued, Refused, Returned,
    TimedOut,
};
use sessionpool_core::{Pause, PoolEvents, Status};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    told: Mutex<Told>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Told {
    events: Vec<Event>,
    counts: BTreeMap<&'static str, u64>,
    /// How often something began less how often it ended, each with its number. Events
    /// of two threads may come in either order, so it may be below zero for a while.
    open: BTreeMap<(&'static str, u64), i64>,
}

impl Told {
    fn begins(&mut self, what: &'static str, number: u64) {
        self.count(what, number, 1);
    }

    fn ends(&mut self, what: &'static str, number: u64) {
        self.count(what, number, -1);
    }

    fn count(&mut self, what: &'static str, number: u64, change: i64) {
        let count = self.open.entry((what, number)).or_default();
        *count += change;
        if *count == 0 {
            self.open.remove(&(what, number));
        }
    }

    fn record(&mut self, name: &'static str, event: Event) {
        *self.counts.entry(name).or_default() += 1;
        match &event {
            Event::Lent(it) => self.begins("lent", it.session),
            Event::Returned(it) => self.ends("lent", it.session),
            Event::Opening(it) => self.begins("opening", it.opening),
            Event::Opened(it) => {
                self.ends("opening", it.opening);
                self.begins("open", it.session);
            }
            Event::OpenFailed(it) => self.ends("opening", it.opening),
            Event::Checking(it) => self.begins("checking", it.session),
            Event::Checked(it) => self.ends("checking", it.session),
            Event::Cleaning(it) => self.begins("cleaning", it.session),
            Event::Cleaned(it) => self.ends("cleaning", it.session),
            Event::Closing(it) => self.begins("closing", it.session),
            Event::Closed(it) => {
                self.ends("open", it.session);
                if it.ending != Ending::Detached {
                    self.ends("closing", it.session);
                }
            }
            _ => {}
        }
        self.events.push(event);
    }

    /// Which counters are not what was told: (event, told, counted).
    fn differences(&self, status: &Status) -> Vec<(&'static str, u64, u64)> {
        let counters = &status.counters;
        let unserved = counters.queue_full
            + counters.failed
            + counters.refused_closed
            + counters.refused_paused;
        let counted = [
            ("Lent", counters.acquired),
            ("Returned", counters.returned),
            ("TimedOut", counters.timed_out),
            ("Cancelled", counters.cancelled),
            ("Refused", unserved),
            ("Leaked", counters.leaked),
            ("Opened", counters.opened),
            ("OpenFailed", counters.open_failed),
            ("Checking", counters.checked),
            ("Closed", counters.closed.total()),
            ("Flushed", status.generation),
        ];
        let told = |name| self.counts.get(name).copied().unwrap_or_default();
        let compared = counted.map(|(name, counted)| (name, told(name), counted));
        compared.into_iter().filter(|(_, told, counted)| told != counted).collect()
    }
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.told().events.clone()
    }

    /// The names of the events, in the order in which they were told.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |event: &Event| {
            let name = format!("{event:?}");
            let end = name.find(['(', ' ']).unwrap_or(name.len());
            name[..end].to_owned()
        };
        self.told().events.iter().map(name).collect()
    }

    /// Compares what is told with the counters of a pool that has come to rest.
    pub(crate) async fn check(&self, status: &Status) {
        let all_told = async {
            while !self.told().differences(status).is_empty() || !self.told().open.is_empty() {
                self.news.notified().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), all_told).await.is_ok();
        let told = self.told();
        assert!(in_time, "{:?} {:?}", told.differences(status), told.open);
    }

    fn record(&self, name: &'static str, event: Event) {
        self.told().record(name, event);
        self.news.notify_one();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

macro_rules! record {
    ($($method:ident: $event:ident),+ $(,)?) => {
        impl PoolEvents for Recorder {
            $(fn $method(&self, _: Option<&str>, event: &$event) {
                self.record(stringify!($event), Event::$event(event.clone()));
            })+

            fn paused(&self, _: Option<&str>, pause: Pause) {
                self.record("Paused", Event::Paused(pause));
            }

            fn resumed(&self, _: Option<&str>) {
                self.record("Resumed", Event::Resumed);
            }

            fn resized(&self, _: Option<&str>, max_size: usize) {
                self.record("Resized", Event::Resized(max_size));
            }

            fn pool_closed(&self, _: Option<&str>) {
                self.record("PoolClosed", Event::PoolClosed);
            }
        }
    };
}

record! {
    queued: Queued, lent: Lent, timed_out: TimedOut, cancelled: Cancelled, refused: Refused,
    returned: Returned, leaked: Leaked, opening: Opening, opened: Opened, open_failed: OpenFailed,
    checking: Checking, checked: Checked, cleaning: Cleaning, cleaned: Cleaned, closing: Closing,
    closed: Closed, flushed: Flushed, hook_failed: HookFailed, outlived: Outlived,
}
