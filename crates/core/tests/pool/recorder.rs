//! A listener that keeps what it is told, and checks that whatever began has ended,
//! once.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Mutex;

use sessionpool_core::event::{
    Cancelled, Checked, Checking, Cleaned, Cleaning, Closed, Closing, Event, Flushed, Leaked, Lent,
    OpenFailed, Opened, Opening, Queued, Refused, Returned, TimedOut,
};
use sessionpool_core::{Pause, PoolEvents, Status};

#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

/// How often something began less how often it ended, each with its key. Events of two
/// threads may come in either order, so a count may be below zero for a while.
#[derive(Debug, Default)]
struct Open(BTreeMap<(&'static str, String), i64>);

impl Open {
    fn begins(&mut self, what: &'static str, key: impl ToString) {
        *self.0.entry((what, key.to_string())).or_default() += 1;
    }

    fn ends(&mut self, what: &'static str, key: impl ToString) {
        *self.0.entry((what, key.to_string())).or_default() -= 1;
    }

    fn still(&self) -> Vec<(&(&'static str, String), &i64)> {
        self.0.iter().filter(|(_, count)| **count != 0).collect()
    }
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    fn record(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    /// Compares what was told with the counters of a pool that has come to rest.
    pub(crate) fn check(&self, status: &Status) {
        let mut open = Open::default();
        let mut told = BTreeMap::<_, u64>::new();
        let site = |site: &Location<'_>| site.to_string();
        for event in self.events() {
            let name = format!("{event:?}");
            let end = name.find(['(', ' ']).unwrap_or(name.len());
            *told.entry(name[..end].to_owned()).or_default() += 1;
            match event {
                Event::Queued(it) => open.begins("waiting", site(it.acquire.site)),
                Event::Lent(it) => open.begins("lent", it.session),
                Event::Returned(it) => open.ends("lent", it.session),
                Event::Opening(it) => open.begins("opening", it.opening),
                Event::Opened(it) => {
                    open.ends("opening", it.opening);
                    open.begins("open", it.session);
                }
                Event::OpenFailed(it) => open.ends("opening", it.opening),
                Event::Checking(it) => open.begins("checking", it.session),
                Event::Checked(it) => open.ends("checking", it.session),
                Event::Cleaning(it) => open.begins("cleaning", it.session),
                Event::Cleaned(it) => open.ends("cleaning", it.session),
                Event::Closing(it) => open.begins("closing", it.session),
                Event::Closed(it) => {
                    open.ends("open", it.session);
                    if it.ending != sessionpool_core::event::Ending::Detached {
                        open.ends("closing", it.session);
                    }
                }
                _ => {}
            }
        }
        open.0.retain(|(what, _), _| *what != "waiting"); // many at one place
        assert!(open.still().is_empty(), "{:?}", open.still());

        let told = |name: &str| told.get(name).copied().unwrap_or_default();
        let counters = &status.counters;
        assert_eq!(told("Lent"), counters.acquired);
        assert_eq!(told("Returned"), counters.returned);
        assert_eq!(told("TimedOut"), counters.timed_out);
        assert_eq!(told("Cancelled"), counters.cancelled);
        assert_eq!(told("Leaked"), counters.leaked);
        assert_eq!(told("Opened"), counters.opened);
        assert_eq!(told("OpenFailed"), counters.open_failed);
        assert_eq!(told("Checking"), counters.checked);
        assert_eq!(told("Closed"), counters.closed.total());
        assert_eq!(told("Flushed"), status.generation);
        let unserved = counters.queue_full
            + counters.failed
            + counters.refused_closed
            + counters.refused_paused;
        assert_eq!(told("Refused"), unserved);
    }
}

macro_rules! record {
    ($($method:ident: $event:ident),+ $(,)?) => {
        impl PoolEvents for Recorder {
            $(fn $method(&self, _: Option<&str>, event: &$event) {
                self.record(Event::$event(event.clone()));
            })+

            fn paused(&self, _: Option<&str>, pause: Pause) {
                self.record(Event::Paused(pause));
            }

            fn resumed(&self, _: Option<&str>) {
                self.record(Event::Resumed);
            }

            fn resized(&self, _: Option<&str>, max_size: usize) {
                self.record(Event::Resized(max_size));
            }

            fn pool_closed(&self, _: Option<&str>) {
                self.record(Event::PoolClosed);
            }
        }
    };
}

record! {
    queued: Queued, lent: Lent, timed_out: TimedOut, cancelled: Cancelled, refused: Refused,
    returned: Returned, leaked: Leaked, opening: Opening, opened: Opened, open_failed: OpenFailed,
    checking: Checking, checked: Checked, cleaning: Cleaning, cleaned: Cleaned, closing: Closing,
    closed: Closed, flushed: Flushed,
}
