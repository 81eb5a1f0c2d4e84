//! The gateway's client: against a plain one in Python, and its parser alone.
//!
//! | test | what |
//! |---|---|
//! | `gateway_rows_s` | rows a second out of a table of 1,000,000 rows and 8 columns, every value read |
//! | `gateway_peak_mb` | how much memory that takes more than before, at most |
//! | `gateway_window_mb` | what one window of that is: the answer, and 8 bytes a cell for where it stands |
//! | `xml_mb_s` | the parser alone over one window's answer, and `memchr` over the same bytes |
//! | `sam_logins` | logins for 64 tasks over 8 IDs |
//!
//! Clients are processes of their own, one at a time, against one emulator in this one.

mod client;
mod logins;
mod parser;
mod python;
mod server;

use std::io::{self, Write};

use crate::report::write_figure;
use crate::statistics::median;

pub(crate) use client::run as run_client;
use server::Server;

/// Names of what is measured here.
pub(crate) const TESTS: [&str; 5] =
    ["gateway_rows_s", "gateway_peak_mb", "gateway_window_mb", "xml_mb_s", "sam_logins"];

/// Measures and writes a line for each figure.
///
/// # Errors
///
/// A client cannot be started, or fails.
pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let server = Server::start()?;
    let python = python::Python::install()?;
    let (mut ours, mut theirs, mut ratios, mut peaks) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        eprintln!("gateway: round {} of {rounds}", round + 1);
        let figures = client::start(&server)?;
        let plain = python.rows_a_second(&server)?;
        ours.push(Some(figures.rows_a_second));
        theirs.push(Some(plain));
        ratios.push(Some(figures.rows_a_second / plain));
        peaks.push(figures.peak_mb);
    }
    write_figure(out, "gateway_rows_s", "sessionpool", median(ours), "rows/s")?;
    write_figure(out, "gateway_rows_s", "python-lxml", median(theirs), "rows/s")?;
    write_figure(out, "gateway_rows_s_ratio", "sessionpool", median(ratios), "of python-lxml")?;
    write_figure(out, "gateway_peak_mb", "sessionpool", median(peaks), "MB")?;

    let window = server.window()?;
    let cells = server::WINDOW as usize * server::COLUMNS;
    let megabytes = (window.len() + cells * 8) as f64 / 1e6;
    write_figure(out, "gateway_window_mb", "sessionpool", Some(megabytes), "MB")?;
    write_figure(out, "xml_mb_s", "sessionpool", Some(parser::ours(&window)), "MB/s")?;
    write_figure(out, "xml_mb_s", "memchr", Some(parser::memchr(&window)), "MB/s")?;
    write_figure(out, "sam_logins", "sessionpool", Some(logins::logins(&server)?), "logins")
}
