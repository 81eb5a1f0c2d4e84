//! What `event::Traced` logs, as a person finds it in the log.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::event::Traced;
use sessionpool_core::{AcquireOptions, Fault, Pool, PoolBuilder};
use sessionpool_testkit::{Act, Scripted, ScriptedSession, Verb};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

/// The lines logged on this thread, from a level on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn from(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .without_time()
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn traced(backend: &Scripted) -> PoolBuilder<ScriptedSession> {
    Pool::builder(backend.clone()).name("shop").events(Arc::new(Traced::new()))
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_quiet_life_says_nothing_from_info_on() {
    let (log, _guard) = Log::from(Level::INFO);
    let backend = Scripted::new();
    let pool = traced(&backend).build().unwrap();
    drop(pool.acquire().await.unwrap());
    assert_eq!(log.lines(), [""; 0]);
    pool.close(secs(1)).await;
    assert_eq!(log.lines(), [" INFO sessionpool: the pool was closed pool=\"shop\""]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_one_line_in_ten_seconds_and_says_when_it_is_over() {
    let (log, _guard) = Log::from(Level::INFO);
    let backend = Scripted::new();
    backend.always(Verb::Open, Act::fail(Fault::Transient));
    let pool = traced(&backend).build().unwrap();
    for _ in 0..25 {
        let soon = AcquireOptions::new().timeout(secs(1));
        assert!(pool.acquire_with(soon).await.is_err());
    }
    backend.always(Verb::Open, Act::succeed());
    drop(pool.acquire().await.unwrap());

    let lines = log.lines();
    let failed: Vec<_> = lines.iter().filter(|line| line.contains("could be opened")).collect();
    let late: Vec<_> = lines.iter().filter(|line| line.contains("was lent within")).collect();
    let failures = pool.status().counters.open_failed;
    assert!(failures > 5 && (1..=3).contains(&failed.len()), "{failures} failed: {lines:#?}");
    assert_eq!(late.len(), 3, "{lines:#?}");
    assert!(failed[0].starts_with(" WARN sessionpool: no session could be opened: scripted open"));
    assert!(
        late[0].contains("within 1s pool=\"shop\" site=crates/core/tests/traced.rs:"),
        "{late:?}"
    );
    assert!(late[0].contains("suppressed=0") && late[1].contains("suppressed=9"), "{late:#?}");
    let over =
        format!("INFO sessionpool: openings succeed again pool=\"shop\" failures={failures}");
    assert!(lines.iter().any(|line| line.trim() == over), "{lines:#?}");
    pool.close(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn leaks_and_slow_acquires_are_warned_of_with_their_sites() {
    let (log, _guard) = Log::from(Level::WARN);
    let backend = Scripted::new();
    let builder = traced(&backend).max_size(1).leak_detection(secs(5)).limit("report", 1);
    let pool = builder.build().unwrap();
    let leaked = pool.acquire().await.unwrap();
    let (waiting, ()) =
        tokio::join!(pool.acquire_with(AcquireOptions::new().class("report")), async {
            tokio::time::sleep(secs(7)).await;
            drop(leaked);
        });
    drop(waiting.unwrap());
    pool.close(secs(1)).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("a session has been lent for 5.0s"), "{lines:#?}");
    assert!(lines[1].contains("an acquire waited for 7.0s"), "{lines:#?}");
    assert!(lines[1].contains("class=\"report\""), "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("site=crates/core/tests/traced.rs:")));
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_that_the_remote_end_does_not_allow_is_warned_of_once() {
    let (log, _guard) = Log::from(Level::WARN);
    let backend = Scripted::new();
    backend.idle_limit(secs(60));
    let pool = traced(&backend).build().unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for said in [
        "the remote end ends a session that is idle for 60s",
        "it ends or checks idle ones after 48s now",
        "set idle_timeout (with min_idle, keepalive_interval too) below 60s",
        "pool=\"shop\" idle_timeout=Some(600s) max_lifetime=Some(1800s)",
    ] {
        assert!(lines[0].contains(said), "{said}: {lines:#?}");
    }
    pool.close(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn every_edge_is_there_for_whoever_traces() {
    let (log, _guard) = Log::from(Level::TRACE);
    let backend = Scripted::new();
    let pool = traced(&backend).build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    lease.release().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    drop(pool.acquire().await.unwrap());
    pool.close(secs(1)).await;
    let lines = log.lines();
    for told in [
        "an acquire waits",
        "opening a session",
        "a session was opened",
        "a session was lent",
        "a session came back",
        "checking a session",
        "a session is alive",
        "ending a session",
        "a session is gone",
    ] {
        assert!(lines.iter().any(|line| line.contains(told)), "{told}: {lines:#?}");
    }
}
