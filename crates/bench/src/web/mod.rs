//! Web applications, with `--web`: requests go to a router in this process, without
//! sockets.
//!
//! | test | what |
//! |---|---|
//! | `axum_us` | what our layer and extractor cost a request, over a handler with a transaction of its own, on sessions that do nothing |
//! | `axum_request_us` | such a request altogether: by hand, with an extractor that is not used, and with one that is |
//! | `axum_req_s` | requests a second of 32 tasks over 8 connections to a private PostgreSQL server, each a row updated and committed: ours, and `axum-sqlx-tx` with and without sqlx's test before each use |
//! | `metrics_ns` | how much more an acquire and return take from a pool that is measured by `event::Metered` with a Prometheus recorder |

mod load;
mod metrics;
mod noop;
mod overhead;
mod peers;

use std::io::{self, Write};
use std::time::Duration;

use crate::options::Effort;
use crate::report::{write_figure, write_figure_on};
use crate::runtime::Flavor;
use crate::statistics::median;
use load::Site;
use overhead::{Overhead, overhead};
use peers::{Ours, SqlxTx, WebPeer};

/// Measures, and writes a line for each figure.
///
/// # Errors
///
/// No server can be started, or nothing written.
pub(crate) fn measure(out: &mut impl Write, effort: Effort) -> io::Result<()> {
    let overheads: Vec<Overhead> = (0..effort.rounds).map(|_| overhead(effort.slice)).collect();
    let middle = |figure: fn(&Overhead) -> f64| median(overheads.iter().map(|it| Some(figure(it))));
    let ours = "sessionpool";
    write_figure(out, "axum_us", ours, middle(|it| it.by_unit - it.by_hand), "us")?;
    write_figure(out, "axum_request_us", "by hand", middle(|it| it.by_hand), "us")?;
    write_figure(out, "axum_request_us", "unused", middle(|it| it.unused), "us")?;
    write_figure(out, "axum_request_us", ours, middle(|it| it.by_unit), "us")?;
    requests(out, effort)?;
    metrics::measure(out, effort.rounds, effort.slice)
}

const NAMES: [&str; 3] = [Ours::NAME, SqlxTx::<true>::NAME, SqlxTx::<false>::NAME];

fn requests(out: &mut impl Write, effort: Effort) -> io::Result<()> {
    let site = Site::start()?;
    let measure: [fn(&Site, Duration) -> f64; 3] = [
        Site::requests_a_second::<Ours>,
        Site::requests_a_second::<SqlxTx<true>>,
        Site::requests_a_second::<SqlxTx<false>>,
    ];
    let mut figures = [const { Vec::new() }; 3];
    for round in 0..effort.few_rounds.max(3) {
        eprintln!("web: round {}", round + 1);
        for turn in 0..measure.len() {
            let peer = (round + turn) % measure.len();
            figures[peer].push(measure[peer](&site, effort.slice * 10));
        }
    }
    let runtime = Flavor::TwoWorkers;
    for (name, figures) in NAMES.iter().zip(&figures) {
        let value = median(figures.iter().map(|it| Some(*it)));
        write_figure_on(out, runtime, "axum_req_s", name, value, "requests/s")?;
    }
    for (name, theirs) in NAMES.iter().zip(&figures).skip(1) {
        let ratio = median(figures[0].iter().zip(theirs).map(|(ours, it)| Some(ours / it)));
        let (test, unit) = ("axum_req_s_ratio", format!("of {name}"));
        write_figure_on(out, runtime, test, NAMES[0], ratio, &unit)?;
    }
    Ok(())
}
