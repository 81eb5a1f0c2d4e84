//! What `event::Traced` logs, as a person finds it in the log.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_core::event::Traced;
use sessionpool_core::{AcquireOptions, Fault, Pool, PoolBuilder, Retry, Tx, TxError, TxOptions};
use sessionpool_testkit::{Act, Scripted, ScriptedError, ScriptedSession, Verb};
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::format::FmtSpan;

/// The lines logged on this thread.
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
    /// Those from a level on.
    fn from(level: Level) -> (Self, DefaultGuard) {
        Self::with(FmtSpan::NONE, level)
    }

    /// The spans that have ended on this thread, as they were then.
    fn of_spans(level: Level) -> (Self, DefaultGuard) {
        Self::with(FmtSpan::CLOSE, level)
    }

    fn with(spans: FmtSpan, level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_span_events(spans)
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
async fn one_listener_hides_nothing_of_one_pool_behind_another() {
    let (log, _guard) = Log::from(Level::WARN);
    let traced = Arc::new(Traced::new());
    let pools = ["shop", "reports"].map(|name| {
        let builder = Pool::builder(Scripted::new()).name(name).events(traced.clone());
        builder.max_waiters(0).build().unwrap()
    });
    for _ in 0..3 {
        for pool in &pools {
            assert!(pool.acquire().await.is_err());
        }
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("pool=\"shop\"") && lines[1].contains("pool=\"reports\""));
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_that_the_remote_end_does_not_allow_is_warned_of_once() {
    for (min_idle, idle_timeout, said) in [
        (0, 600, "would keep it: idle_timeout is 48s now; set that below 60s"),
        (1, 20, "would keep it: keepalive_interval is 48s now; set that below 60s"),
        (1, 600, "it: idle_timeout is 48s and keepalive_interval is 48s now; set that below 60s"),
    ] {
        let (log, _guard) = Log::from(Level::WARN);
        let backend = Scripted::new();
        backend.idle_limit(secs(60));
        let builder = traced(&backend).min_idle(min_idle).idle_timeout(secs(idle_timeout));
        let pool = builder.build().unwrap();
        drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for said in ["ends a session that is idle for 60s", said, "pool=\"shop\""] {
            assert!(lines[0].contains(said), "{said}: {lines:#?}");
        }
        pool.close(secs(1)).await;
    }
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

#[tokio::test(start_paused = true)]
async fn an_acquire_is_slow_that_waits_for_longer_than_was_set() {
    let (log, _guard) = Log::from(Level::WARN);
    let backend = Scripted::new();
    let traced = Arc::new(Traced::new().slow_acquire(secs(3)));
    let pool = Pool::builder(backend.clone()).max_size(1).events(traced).build().unwrap();
    for (opening, lines) in [(2, 0), (4, 1), (4, 2)] {
        backend.next(Verb::Open, Act::take(secs(opening)));
        pool.acquire().await.unwrap().discard();
        tokio::time::sleep(secs(10)).await;
        assert_eq!(log.lines().len(), lines, "{:#?}", log.lines());
    }
    let last = log.lines().pop().unwrap();
    assert!(
        last.contains("an acquire waited for 4.0s site=crates/core/tests/traced.rs:"),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn leaks_are_one_line_for_each_place_that_leaks() {
    let (log, _guard) = Log::from(Level::WARN);
    let backend = Scripted::new();
    let pool = traced(&backend).max_size(10).leak_detection(secs(5)).build().unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.acquire().await.unwrap());
    }
    held.push(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(6)).await;
    assert_eq!(pool.status().counters.leaked, 5);
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    drop(held);
    pool.close(secs(1)).await;
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Write(#[from] ScriptedError),
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("on purpose")]
    OnPurpose,
}

fn spanned(backend: &Scripted) -> Pool<ScriptedSession> {
    Pool::builder(backend.clone()).name("shop").max_size(1).build().unwrap()
}

/// The lines of units' spans, without what is before their fields.
fn units(log: &Log) -> Vec<String> {
    let of_unit = |line: String| {
        let (_, fields) = line.split_once("DEBUG unit{")?;
        let (fields, target) = fields.rsplit_once("}: ")?;
        assert_eq!(target, "sessionpool::unit: close");
        Some(fields.to_owned())
    };
    log.lines().into_iter().filter_map(of_unit).collect()
}

#[tokio::test(start_paused = true)]
async fn a_unit_is_a_span_with_what_it_took() {
    let (log, _guard) = Log::of_spans(Level::DEBUG);
    let backend = Scripted::new();
    let pool = spanned(&backend);
    backend.next(Verb::Open, Act::take(secs(2)));
    pool.transaction(async |tx| {
        tx.write("a row").await?;
        tokio::time::sleep(secs(3)).await;
        tx.write("another").await?;
        tracing::info!("in the middle");
        Ok::<_, Failed>(())
    })
    .await
    .unwrap();
    let asked = TxOptions::new().acquire(AcquireOptions::new().timeout(secs(1)));
    let wrote = pool.transaction_in(asked, async |tx| Ok::<_, Failed>(tx.write("one").await?));
    wrote.await.unwrap();

    let units = units(&log);
    assert_eq!(units.len(), 2, "{units:#?}");
    assert!(units[0].starts_with("pool=\"shop\" site=crates/core/tests/traced.rs:"), "{units:#?}");
    assert!(units[0].contains("waited=2") && units[0].contains("held=3"), "{units:#?}");
    assert!(units[0].contains("statements=2"), "{units:#?}");
    assert!(units[1].contains("statements=1"), "the session's first two are another's: {units:#?}");
    let inside = log.lines().into_iter().find(|line| line.contains("in the middle")).unwrap();
    assert!(inside.contains("unit{pool=\"shop\""), "{inside}");
}

#[tokio::test(start_paused = true)]
async fn a_units_span_says_how_it_ended() {
    let (log, _guard) = Log::of_spans(Level::DEBUG);
    let backend = Scripted::new();
    let pool = spanned(&backend);
    let write = async |tx: &mut Tx<ScriptedSession>| Ok::<_, Failed>(tx.write("a row").await?);
    let ended = |how: &str| {
        let units = units(&log);
        let outcome = format!("outcome=\"{how}\"");
        assert!(units.last().is_some_and(|unit| unit.contains(&outcome)), "{how}: {units:#?}");
        units.len()
    };

    pool.transaction(write).await.unwrap();
    assert_eq!(ended("committed"), 1);
    let fails = async |_: &mut Tx<ScriptedSession>| Err::<(), _>(Failed::OnPurpose);
    assert!(pool.transaction(fails).await.is_err());
    assert_eq!(ended("rolled back"), 2);
    backend.next(Verb::Commit, Act::roll_back());
    assert!(pool.transaction(write).await.is_err());
    assert_eq!(ended("rolled back"), 3);
    backend.next(Verb::Commit, Act::lose_ack());
    assert!(pool.transaction(write).await.is_err());
    assert_eq!(ended("unknown"), 4);
    backend.next(Verb::Begin, Act::fail(Fault::Other));
    assert!(pool.transaction(write).await.is_err());
    assert_eq!(ended("not begun"), 5);
    let cut_short = pool.transaction(async |tx| {
        tx.write("a row").await?;
        std::future::pending::<Result<(), Failed>>().await
    });
    assert!(tokio::time::timeout(secs(1), cut_short).await.is_err());
    assert_eq!(ended("dropped"), 6);
    assert!(units(&log)[5].contains("statements=1"));

    let mut unit = pool.unit();
    unit.session().await.unwrap().write("a row").await.unwrap();
    assert_eq!(units(&log).len(), 6, "it goes on");
    unit.commit().await.unwrap();
    assert_eq!(ended("committed"), 7);
    unit.session().await.unwrap();
    unit.close().await.unwrap();
    assert_eq!(ended("rolled back"), 8);
    unit.session().await.unwrap();
    drop(unit);
    assert_eq!(ended("dropped"), 9);

    backend.next(Verb::Write, Act::fail(Fault::Conflict));
    pool.transaction_with(Retry::on_conflict(1), write).await.unwrap();
    assert_eq!(ended("committed"), 11, "one for each run");

    pool.close(secs(1)).await;
    assert!(pool.transaction(write).await.is_err());
    assert_eq!(ended("not acquired"), 12);
}

#[tokio::test(start_paused = true)]
async fn a_unit_nobody_wants_to_see_has_no_span() {
    let (log, _guard) = Log::of_spans(Level::INFO);
    let pool = spanned(&Scripted::new());
    pool.transaction(async |tx| {
        assert!(tracing::Span::current().is_none());
        Ok::<_, Failed>(tx.write("a row").await?)
    })
    .await
    .unwrap();
    assert_eq!(log.lines(), [""; 0]);
}
