//! What `event::Metered` measures, as it is read from a real Prometheus exporter.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

mod scrape;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sessionpool_core::event::Metered;
use sessionpool_core::{AcquireOptions, Counters, Fault, Pause, Pool};
use sessionpool_testkit::{Act, Scripted, ScriptedSession, Verb};
use tokio::task::JoinHandle;

use scrape::Scrape;

type ScriptedPool = Pool<ScriptedSession>;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A recorder that is this test's alone, and measured pools over it.
struct Measured {
    prometheus: PrometheusHandle,
    metered: Arc<Metered>,
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
}

impl Measured {
    fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        Self { prometheus: recorder.handle(), metered: Arc::default(), recorder }
    }

    fn pool(&self, name: &str, size: usize, backend: &Scripted) -> ScriptedPool {
        let builder = Pool::builder(backend.clone()).name(name).max_size(size);
        let builder = builder.leak_detection(secs(60)).events(self.metered.clone());
        metrics::with_local_recorder(&self.recorder, || builder.build().unwrap())
    }

    fn scrape(&self) -> Scrape {
        self.metered.sample();
        Scrape(self.prometheus.render())
    }

    /// Which counters are not what the pool says.
    fn differences(&self, pool: &ScriptedPool) -> Vec<(String, u64, u64)> {
        self.scrape().differences(pool.name().unwrap(), &pool.status().counters)
    }

    /// Once everything was told, the counters are what the pool says.
    async fn counts(&self, pool: &ScriptedPool) {
        for _ in 0..1_000 {
            if self.differences(pool).is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{:?}", self.differences(pool));
    }
}

/// Lets everything that can run now run, without moving the clock.
async fn quiet() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_scrape_over_http_agrees_with_the_pool() {
    let address = free_address();
    let builder = PrometheusBuilder::new().with_http_listener(address);
    let (recorder, exporter) = builder.build().unwrap();
    metrics::set_global_recorder(recorder).unwrap();
    let exporter = tokio::spawn(exporter);

    let metered = Arc::new(Metered::new());
    let backend = Scripted::new().at_most(2);
    let builder = Pool::builder(backend.clone()).name("over \"http\"").max_size(2);
    let pool = builder.max_idle(1).events(metered.clone()).build().unwrap();
    let scrape = async || {
        metered.sample();
        let page = tokio::task::spawn_blocking(move || get(address));
        Scrape(page.await.unwrap().unwrap())
    };

    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let soon = AcquireOptions::new().timeout(ms(10));
    assert!(pool.acquire_with(soon).await.unwrap_err().is_timeout());
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.unwrap() }
    });
    while pool.status().waiters == 0 {
        tokio::task::yield_now().await;
    }
    let busy = scrape().await;
    let name = "over \\\"http\\\"";
    busy.has_gauges_of(name, &pool.status());
    assert_eq!((busy.state(name, "used"), busy.state(name, "idle")), (2, 0));
    assert_eq!(busy.value(name, "db_client_connection_timeouts", &[]), 1.0);
    assert_eq!(busy.value(name, "db_client_connection_idle_max", &[]), 1.0);
    assert_eq!(busy.value(name, "db_client_connection_idle_min", &[]), 0.0);
    assert!(busy.value(name, "sessionpool_acquire_oldest_wait", &[]) > 0.0);
    assert_eq!(busy.differences(name, &pool.status().counters), []);

    drop(first);
    waiter.await.unwrap().discard();
    drop(second);
    assert!(pool.close(secs(20)).await.is_complete());
    let closed = pool.status();
    let all_told = async {
        loop {
            let now = scrape().await;
            if now.differences(name, &closed.counters).is_empty() {
                return now;
            }
        }
    };
    let closed_scrape = tokio::time::timeout(secs(20), all_told).await.unwrap();
    closed_scrape.has_gauges_of(name, &closed);
    assert_eq!(closed_scrape.by_reason(name, "sessionpool_session_closed", "discarded"), 1);
    for (line, there) in [
        ("# TYPE db_client_connection_count gauge", true),
        ("# TYPE db_client_connection_timeouts counter", true),
        ("# TYPE db_client_connection_wait_time summary", true),
        ("# HELP db_client_connection_pending_requests The number of pending requests", true),
        ("db_client_connections_", false), // deprecated
    ] {
        assert_eq!(closed_scrape.0.contains(line), there, "{line} in\n{}", closed_scrape.0);
    }
    exporter.abort();
}

/// Somebody else may take it meanwhile; then the exporter says so.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn get(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(secs(20)))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    Ok(body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn every_state_is_a_series_that_agrees_with_the_status() {
    let measured = Measured::new();
    let backend = Scripted::new().at_most(2);
    let pool = measured.pool("shop", 2, &backend);
    let agrees = |state: &str| {
        let (scrape, status) = (measured.scrape(), pool.status());
        scrape.has_gauges_of("shop", &status);
        assert_eq!(scrape.state("shop", state), 1, "{status}");
    };
    for verb in [Verb::Open, Verb::Check, Verb::Release, Verb::Close] {
        backend.next(verb, Act::take(secs(1)));
    }

    let mut lease = {
        let acquire = pool.acquire();
        tokio::pin!(acquire);
        tokio::select! {
            biased;
            _ = &mut acquire => panic!("it takes a second"),
            () = quiet() => agrees("opening"),
        }
        acquire.await.unwrap()
    };
    agrees("used");
    lease.set_dirty();
    drop(lease);
    quiet().await;
    agrees("cleaning");
    tokio::time::sleep(secs(2)).await;
    agrees("idle");
    assert!(pool.try_acquire().is_err());
    quiet().await;
    agrees("checking");
    tokio::time::sleep(secs(2)).await;
    pool.flush();
    quiet().await;
    agrees("closing");
    pool.resize(1).unwrap();
    pool.close(secs(2)).await;
    measured.scrape().has_gauges_of("shop", &pool.status());
    measured.counts(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn times_are_in_seconds() {
    let measured = Measured::new();
    let backend = Scripted::new();
    let pool = measured.pool("shop", 1, &backend);
    backend.next(Verb::Open, Act::take(secs(2)));
    let first = pool.acquire().await.unwrap();
    tokio::join!(async { drop(pool.acquire().await.unwrap()) }, async {
        tokio::time::sleep(secs(3)).await;
        drop(first);
    });
    let scrape = measured.scrape();
    let sum =
        |name: &str| scrape.value("shop", &format!("db_client_connection_{name}_sum"), &[]).round();
    // Both waited: one for the opening, the other for the first.
    assert_eq!((sum("create_time"), sum("wait_time"), sum("use_time")), (2.0, 5.0, 3.0));
    pool.close(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn every_way_to_get_no_session_has_its_counter() {
    let measured = Measured::new();
    let backend = Scripted::new();
    let pool = measured.pool("shop", 1, &backend);
    for fault in [Fault::Rejected, Fault::Transient, Fault::Busy { retry_after: None }] {
        backend.next(Verb::Open, Act::fail(fault));
        let soon = AcquireOptions::new().timeout(ms(1));
        assert!(pool.acquire_with(soon).await.is_err());
        tokio::time::sleep(secs(60)).await;
    }
    let leaked = pool.acquire().await.unwrap();
    pool.pause(Pause::Fail);
    assert!(pool.acquire().await.is_err());
    pool.resume();
    {
        let cancelled = pool.acquire();
        tokio::pin!(cancelled);
        assert!(tokio::time::timeout(ms(1), &mut cancelled).await.is_err());
    }
    tokio::time::sleep(secs(61)).await;
    drop(leaked);
    pool.close(secs(1)).await;
    assert!(pool.acquire().await.is_err());
    measured.counts(&pool).await;

    let (scrape, counters) = (measured.scrape(), pool.status().counters);
    let failures = ["rejected", "transient", "busy"].map(|fault| {
        scrape.value("shop", "sessionpool_session_open_failures", &[("error_type", fault)])
    });
    assert_eq!(failures, [1.0; 3]);
    assert_eq!((counters.cancelled, counters.leaked, counters.refused_paused), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_may_happen_is_there_before_it_does() {
    let measured = Measured::new();
    let _pool = measured.pool("shop", 1, &Scripted::new());
    let scrape = measured.scrape();
    assert_eq!(scrape.differences("shop", &Counters::default()), []);
    for fault in [
        Fault::Busy { retry_after: Some(secs(1)) },
        Fault::Transient,
        Fault::Rejected,
        Fault::SessionLost,
        Fault::BackendLost,
        Fault::Conflict,
        Fault::OutcomeUnknown,
        Fault::Other,
    ] {
        let of_fault = [("error_type", fault.as_str())];
        assert_eq!(scrape.value("shop", "sessionpool_session_open_failures", &of_fault), 0.0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_listener_keeps_pools_apart_and_forgets_those_that_are_gone() {
    let measured = Measured::new();
    let (shop, reports) = (Scripted::new(), Scripted::new());
    let pools = [measured.pool("shop", 1, &shop), measured.pool("reports", 5, &reports)];
    let lease = pools[1].acquire().await.unwrap();
    let scrape = measured.scrape();
    pools.iter().for_each(|pool| scrape.has_gauges_of(pool.name().unwrap(), &pool.status()));
    assert_eq!((scrape.state("shop", "used"), scrape.state("reports", "used")), (0, 1));

    drop(lease);
    drop(pools);
    let scrape = measured.scrape();
    assert_eq!(scrape.value("reports", "db_client_connection_max", &[]), 0.0);
    assert_eq!(scrape.state("reports", "idle"), 0);

    // A successor of the same name has the name's gauges, and its counters go on.
    let successor = measured.pool("reports", 3, &reports);
    drop(successor.acquire().await.unwrap());
    let scrape = measured.scrape();
    scrape.has_gauges_of("reports", &successor.status());
    assert_eq!(scrape.value("reports", "db_client_connection_use_time_count", &[]), 2.0);
    assert!(format!("{:?}", measured.metered).contains("pools: 1"), "{:?}", measured.metered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_storm_nothing_has_drifted() {
    let measured = Measured::new();
    let pool = measured.pool("shop", 3, &Scripted::new().at_most(3));
    for part in storm(&pool) {
        part.await.unwrap();
    }
    pool.close(secs(20)).await;
    let agreed = async {
        while !measured.differences(&pool).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let agreed = tokio::time::timeout(secs(20), agreed).await;
    assert!(agreed.is_ok(), "{:?}", measured.differences(&pool));
}

/// In a storm of its own: the exporter loses a sample that is recorded in the very moment
/// in which it empties a histogram.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_scraped_in_a_storm_was_true_at_one_instant() {
    let measured = Measured::new();
    let pool = measured.pool("shop", 3, &Scripted::new().at_most(3));
    for part in storm(&pool) {
        while !part.is_finished() {
            let scrape = measured.scrape();
            let states = ["idle", "used", "opening", "checking", "cleaning", "closing"];
            let taken: usize = states.map(|state| scrape.state("shop", state)).iter().sum();
            assert!(taken <= 3, "{}", scrape.0);
            tokio::task::yield_now().await;
        }
        part.await.unwrap();
    }
    pool.close(secs(20)).await;
    measured.scrape().has_gauges_of("shop", &pool.status());
}

/// Twelve tasks that wait, time out, give up, discard and leave things dirty.
fn storm(pool: &ScriptedPool) -> Vec<JoinHandle<()>> {
    let task = |number: usize| {
        let pool = pool.clone();
        async move {
            for round in 0..200 {
                let limit = if round % 7 == 0 { Duration::ZERO } else { secs(20) };
                let acquire = pool.acquire_with(AcquireOptions::new().timeout(limit));
                match (number + round) % 5 {
                    0 => drop(tokio::time::timeout(ms(1), acquire).await),
                    1 => drop(acquire.await.map(sessionpool_core::Lease::discard)),
                    2 => drop(acquire.await.map(|mut lease| lease.set_dirty())),
                    _ => drop(acquire.await),
                }
            }
        }
    };
    (0..12).map(|number| tokio::spawn(task(number))).collect()
}
