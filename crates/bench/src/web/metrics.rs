//! What it costs to be measured: one task that takes a session and gives it back, from a
//! pool with `event::Metered` and a real Prometheus recorder, and from one without, by
//! turns.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sessionpool_core::event::Metered;

use crate::peer::{Peer, operate};
use crate::peers::Sessionpool;
use crate::remote::Remote;
use crate::report::write_figure;
use crate::runtime::Flavor;
use crate::statistics::median;

const SIZE: usize = 10;
const WARM_UP: usize = 2_000;
const BATCH: usize = 500;
const LIMIT: Duration = Duration::from_secs(60);

/// Writes the line: how many nanoseconds more an acquire and return take.
///
/// # Errors
///
/// `out` cannot be written to.
pub(super) fn measure(out: &mut impl Write, rounds: usize, slice: Duration) -> io::Result<()> {
    let round = |_| Flavor::CurrentThread.run(LIMIT, difference(slice)).flatten();
    write_figure(out, "metrics_ns", "sessionpool", median((0..rounds).map(round)), "ns")
}

async fn difference(slice: Duration) -> Option<f64> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    let metered = Arc::new(Metered::new());
    let measured = metrics::with_local_recorder(&recorder, || {
        Sessionpool::build_heard_by(Remote::new(), SIZE, metered.clone())
    });
    let unmeasured = Sessionpool::build(Remote::new(), SIZE);
    operate(&measured, WARM_UP).await;
    operate(&unmeasured, WARM_UP).await;
    let end = Instant::now() + slice;
    let mut differences = Vec::new();
    while Instant::now() < end {
        let with = nanoseconds(&measured).await;
        let without = nanoseconds(&unmeasured).await;
        differences.push(Some(with - without));
        scrape(&metered, &prometheus);
    }
    median(differences)
}

/// Per acquire and return.
async fn nanoseconds(pool: &Sessionpool) -> f64 {
    let began = Instant::now();
    operate(pool, BATCH).await;
    began.elapsed().as_nanos() as f64 / BATCH as f64
}

/// Nobody's acquire: the exporter does it in a task of its own.
fn scrape(metered: &Metered, prometheus: &PrometheusHandle) {
    metered.sample();
    prometheus.run_upkeep();
}
