//! What listeners are told, and that they hurt nobody. That whatever began has ended,
//! once, and that the counters agree, is checked at the end of every test here.

use std::sync::Mutex;
use std::sync::mpsc;

use super::*;
use sessionpool_core::event::{Ending, Event, Lent, Opening, Reason, Returned, TimedOut};
use sessionpool_core::{Condition, Fault, Pause, Phase, PoolEvents, Session};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_sessions_life_is_told_in_its_order() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    drop(lease);
    quiet().await;
    tokio::time::sleep(secs(1)).await;
    drop(pool.acquire().await.unwrap());
    pool.resize(2).unwrap();
    pool.pause(Pause::Wait);
    pool.resume();
    pool.resume(); // is not paused
    pool.flush();
    quiet().await;
    end(&backend, &pool).await;
    assert_eq!(
        told(&backend).unwrap().names(),
        [
            "Queued",
            "Opening",
            "Opened",
            "Lent",
            "Returned",
            "Cleaning",
            "Cleaned",
            "Queued",
            "Checking",
            "Checked",
            "Lent",
            "Returned",
            "Resized",
            "Paused",
            "Resumed",
            "Flushed",
            "Closing",
            "Closed",
            "PoolClosed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_acquire_is_told_with_its_site_its_class_and_what_it_waited_for() {
    let (backend, builder) = scripted(1);
    let pool = builder.limit("report", 1).build().unwrap();
    backend.next(Verb::Open, Act::take(secs(2)));
    let first = pool.acquire().await.unwrap();
    let line = line!() + 1;
    let second = waiter_with(&pool, AcquireOptions::new().class("report")).await;
    tokio::time::sleep(secs(5)).await;
    drop(first);
    drop(second.await.unwrap().unwrap());
    let events = told(&backend).unwrap().events();
    let lent: Vec<&Lent> = events
        .iter()
        .filter_map(|event| if let Event::Lent(lent) = event { Some(lent) } else { None })
        .collect();
    assert_eq!((lent[0].waits.opening, lent[0].waits.queueing), (secs(2), secs(0)));
    assert!(lent[0].acquire.class.is_none());
    assert!(
        lent[0].acquire.site.line() < line && lent[0].acquire.site.file().ends_with("events.rs")
    );
    assert_eq!((lent[1].waits.opening, lent[1].waits.queueing), (secs(0), secs(5)));
    assert_eq!(lent[1].acquire.class.as_deref(), Some("report"));
    assert_eq!(lent[1].waits.total(), secs(5));
    let returned: Vec<&Returned> = events
        .iter()
        .filter_map(|event| if let Event::Returned(it) = event { Some(it) } else { None })
        .collect();
    assert_eq!((returned[0].session, returned[0].held()), (1, secs(5)));
    assert_eq!(returned[0].condition, Condition::Clean);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn each_way_to_get_no_session_is_told_as_what_it_was() {
    let (backend, builder) = scripted(1);
    let pool = builder.max_waiters(1).build().unwrap();
    let held = pool.acquire().await.unwrap();
    let given_up = waiter(&pool).await;
    assert!(pool.acquire().await.is_err()); // the queue is full
    given_up.abort();
    let _ = given_up.await;
    assert!(pool.acquire_with(AcquireOptions::new().timeout(secs(3))).await.is_err());
    pool.pause(Pause::Fail);
    assert!(pool.acquire().await.is_err());
    pool.resume();
    held.discard();
    quiet().await;
    backend.next(Verb::Open, Act::fail(Fault::Rejected));
    assert!(pool.acquire().await.is_err());
    pool.close(secs(1)).await;
    assert!(pool.acquire().await.is_err());
    end(&backend, &pool).await;

    let events = told(&backend).unwrap().events();
    let reasons: Vec<Reason> = events
        .iter()
        .filter_map(|event| if let Event::Refused(it) = event { Some(it.reason) } else { None })
        .collect();
    let rejected = Reason::Failed(Fault::Rejected);
    assert_eq!(reasons, [Reason::QueueFull, Reason::Paused, rejected, Reason::PoolClosed]);
    let late = events.iter().find_map(|event| {
        if let Event::TimedOut(it) = event {
            Some((it.limit, it.phase, it.waits.queueing))
        } else {
            None
        }
    });
    assert_eq!(late, Some((secs(3), Phase::Queueing, secs(3))));
}

#[tokio::test(start_paused = true)]
async fn why_and_how_a_session_ended_is_told() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    backend.next(Verb::Close, Act::fail(Fault::Other));
    pool.acquire().await.unwrap().discard();
    quiet().await;
    ScriptedSession::abort(pool.acquire().await.unwrap().detach());
    let ended: Vec<_> = told(&backend)
        .unwrap()
        .events()
        .into_iter()
        .filter_map(|event| if let Event::Closed(it) = event { Some(it) } else { None })
        .map(|closed| (closed.session, closed.ending, closed.confirmed))
        .collect();
    assert_eq!(ended, [(1, Ending::Discarded, false), (2, Ending::Detached, true)]);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_lasts_too_long_is_told_once_and_fails_nobody() {
    let (backend, builder) = scripted(2);
    let pool = builder.leak_detection(secs(60)).build().unwrap();
    let start = Instant::now();
    let leaked = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(30)).await;
    let line = line!() + 1;
    let late = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(29)).await;
    assert_eq!(pool.status().counters.leaked, 0);
    tokio::time::sleep(secs(1)).await;
    quiet().await;
    assert_eq!((pool.status().counters.leaked, start.elapsed()), (1, secs(60)));
    tokio::time::sleep(secs(600)).await;
    assert_eq!(pool.status().counters.leaked, 2);
    let leaks: Vec<_> = told(&backend)
        .unwrap()
        .events()
        .into_iter()
        .filter_map(|event| if let Event::Leaked(it) = event { Some(it) } else { None })
        .map(|leak| (leak.session, leak.held, leak.acquire.site.line()))
        .collect();
    assert_eq!((leaks[0].0, leaks[0].1), (1, secs(60)));
    assert_eq!(leaks[1], (2, secs(60), line));
    drop((leaked, late));

    // The next lease of the same session is another one; one in time is none.
    let again = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(59)).await;
    drop(again);
    tokio::time::sleep(secs(59)).await;
    assert_eq!(pool.status().counters.leaked, 2);
    let again = pool.acquire().await.unwrap();
    tokio::time::sleep(secs(61)).await;
    assert_eq!(pool.status().counters.leaked, 3);
    drop(again);
    end(&backend, &pool).await;
}

struct Panics;

impl PoolEvents for Panics {
    fn lent(&self, _: Option<&str>, _: &Lent) {
        panic!("in lent");
    }

    fn returned(&self, _: Option<&str>, _: &Returned) {
        panic!("in returned");
    }

    fn opening(&self, _: Option<&str>, _: &Opening) {
        panic!("in opening");
    }

    fn timed_out(&self, _: Option<&str>, _: &TimedOut) {
        panic!("in timed_out");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_hurts_nobody() {
    let (backend, builder) = scripted(1);
    let pool = builder.events(Arc::new(Panics)).build().unwrap();
    let lease = pool.acquire().await.unwrap();
    assert!(
        pool.acquire_with(AcquireOptions::new().timeout(secs(1))).await.unwrap_err().is_timeout()
    );
    let unwinding = tokio::spawn(async move {
        let _lease = lease;
        panic!("the borrower does, too");
    });
    assert!(unwinding.await.is_err());
    drop(pool.acquire().await.unwrap());
    end(&backend, &pool).await;
}

/// Tells how often it was asked, of which pool.
#[derive(Default)]
struct Names(Mutex<Vec<Option<String>>>);

impl PoolEvents for Names {
    fn lent(&self, pool: Option<&str>, _: &Lent) {
        self.0.lock().unwrap().push(pool.map(str::to_owned));
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_serve_many_pools_and_tells_them_apart() {
    let names = Arc::new(Names::default());
    for name in [Some("shop"), None] {
        let (backend, mut builder) = scripted(1);
        if let Some(name) = name {
            builder = builder.name(name);
        }
        let pool = builder.events(names.clone()).build().unwrap();
        drop(pool.acquire().await.unwrap());
        end(&backend, &pool).await;
    }
    assert_eq!(*names.0.lock().unwrap(), [Some("shop".to_owned()), None]);
}

/// Calls the pool that calls it.
struct CallsBack(Mutex<Option<ScriptedPool>>);

impl PoolEvents for CallsBack {
    fn returned(&self, _: Option<&str>, _: &Returned) {
        let pool = self.0.lock().unwrap().take();
        if let Some(pool) = pool {
            assert_eq!(pool.status().idle, 1);
            drop(pool.try_acquire().unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_call_the_pool() {
    let (backend, builder) = scripted(1);
    let listener = Arc::new(CallsBack(Mutex::new(None)));
    let pool = builder.events(listener.clone()).build().unwrap();
    *listener.0.lock().unwrap() = Some(pool.clone());
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.status().counters.acquired, 2);
    end(&backend, &pool).await;
}

/// Blocks whoever tells it of a time-out, until it may go on.
struct Blocks {
    entered: mpsc::Sender<()>,
    /// Closed when it may.
    until: Mutex<mpsc::Receiver<()>>,
}

impl PoolEvents for Blocks {
    fn timed_out(&self, _: Option<&str>, _: &TimedOut) {
        self.entered.send(()).unwrap();
        assert!(self.until.lock().unwrap().recv().is_err());
    }
}

#[test]
fn a_listener_that_blocks_stops_neither_the_clock_nor_other_callers() {
    let (backend, builder) = scripted(1);
    let (entered, has_entered) = mpsc::channel();
    let (not_yet, until) = mpsc::channel();
    let blocks = Arc::new(Blocks { entered, until: Mutex::new(until) });
    let pool = builder.events(blocks).build().unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        let soon = AcquireOptions::new().timeout(ms(5));
        let held = pool.acquire().await.unwrap();
        assert!(pool.acquire_with(soon.clone()).await.unwrap_err().is_timeout());
        has_entered.recv().unwrap(); // one worker is blocked from now on
        let waiting = waiter(&pool).await;
        drop(held);
        drop(waiting.await.unwrap().unwrap());
        let held = pool.acquire().await.unwrap();
        // The janitor keeps the time of this one all the same.
        assert!(pool.acquire_with(soon).await.unwrap_err().is_timeout());
        drop(held);
        drop(not_yet);
        end(&backend, &pool).await;
    });
}
