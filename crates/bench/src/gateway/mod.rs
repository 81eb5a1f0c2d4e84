//! The gateway's client: against a plain one in Python, and its parser alone.
//!
//! | test | what |
//! |---|---|
//! | `gateway_rows_s` | rows a second out of a table of 1,000,000 rows and 8 columns, every value read |
//! | `gateway_cpu_us` | µs of the CPUs that the client's process has for a row; the gateway's are not in it, and other programs change it little |
//! | `gateway_peak_mb` | the most memory that the client has allocated at one time, by a counting allocator |
//! | `gateway_window_mb` | what a window is: the bytes of one answer with 50,000 rows |
//! | `gateway_peak_windows` | the one in terms of the other |
//! | `xml_mb_s` | the parser alone over one window's answer, in a second of one core's time, and `memchr` over the same bytes |
//! | `sam_logins` | logins for 64 tasks over 8 IDs, eight at a time |
//!
//! Clients are processes of their own, one at a time, against one emulator in this one; they
//! take turns, and ratios are taken within rounds.

mod client;
mod logins;
mod parser;
mod python;
mod server;

use std::io::{self, Write};

use crate::report::write_figure;
use crate::statistics::median;

use client::Figures;
pub(crate) use client::run as run_client;
use server::Server;

/// Names of what is measured here.
pub(crate) const TESTS: [&str; 7] = [
    "gateway_rows_s",
    "gateway_cpu_us",
    "gateway_peak_mb",
    "gateway_window_mb",
    "gateway_peak_windows",
    "xml_mb_s",
    "sam_logins",
];

/// Fewer say little of a ratio.
const FEWEST_ROUNDS: usize = 3;

/// Measures and writes a line for each figure.
///
/// # Errors
///
/// A client cannot be started, or fails.
pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let server = Server::start()?;
    let python = python::Python::install()?;
    let rounds = rounds.max(FEWEST_ROUNDS);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("gateway: round {} of {rounds}", round + 1);
        ours.push(client::start(&server)?);
        theirs.push(python.start(&server)?);
    }
    let of_both = |figure: fn(&Figures, &(f64, f64)) -> f64| {
        median(ours.iter().zip(&theirs).map(|(ours, theirs)| Some(figure(ours, theirs))))
    };
    let mut write = |test, pool, value, unit| write_figure(&mut *out, test, pool, value, unit);
    write("gateway_rows_s", "sessionpool", of_both(|ours, _| ours.rows_a_second), "rows/s")?;
    write("gateway_rows_s", "python-lxml", of_both(|_, theirs| theirs.0), "rows/s")?;
    let ratio = of_both(|ours, theirs| ours.rows_a_second / theirs.0);
    write("gateway_rows_s_ratio", "sessionpool", ratio, "of python-lxml")?;
    write("gateway_cpu_us", "sessionpool", of_both(|ours, _| ours.cpu), "µs/row")?;
    write("gateway_cpu_us", "python-lxml", of_both(|_, theirs| theirs.1), "µs/row")?;
    let ratio = of_both(|ours, theirs| theirs.1 / ours.cpu);
    write("gateway_cpu_us_ratio", "sessionpool", ratio, "of python-lxml's rows/µs")?;

    let window = server.window()?;
    let window_mb = window.len() as f64 / 1e6;
    let peak = of_both(|ours, _| ours.peak_mb);
    write("gateway_peak_mb", "sessionpool", peak, "MB")?;
    write("gateway_window_mb", "sessionpool", Some(window_mb), "MB")?;
    let windows = peak.map(|peak| peak / window_mb);
    write("gateway_peak_windows", "sessionpool", windows, "answers of 50,000 rows")?;
    write("xml_mb_s", "sessionpool", Some(parser::ours(&window)), "MB/s")?;
    write("xml_mb_s", "memchr", Some(parser::memchr(&window)), "MB/s")?;
    write("sam_logins", "sessionpool", Some(logins::logins(&server)?), "logins")
}
