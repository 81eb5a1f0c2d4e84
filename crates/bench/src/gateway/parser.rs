//! Bytes a second on one core, without a network.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sessionpool_tenten::measure;

use super::server::{COLUMNS, WINDOW};
use crate::statistics::median;

/// As the client knows beforehand.
const CELLS: usize = WINDOW as usize * COLUMNS;

/// How long each is looked at.
const SLICE: Duration = Duration::from_secs(1);

/// Our parser: to the place of every cell, as when a window comes in.
pub(crate) fn ours(window: &Bytes) -> f64 {
    megabytes_a_second(window, |window| {
        measure::parse(window.clone(), CELLS).expect("the window can be read")
    })
}

/// All that one could hope for: finding every tag, one after the other.
pub(crate) fn memchr(window: &Bytes) -> f64 {
    megabytes_a_second(window, |window| {
        memchr::memchr_iter(b'<', window).fold(0_usize, |count, _| count + 1)
    })
}

fn megabytes_a_second<T>(window: &Bytes, work: impl Fn(&Bytes) -> T) -> f64 {
    let end = Instant::now() + SLICE;
    let mut runs = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        std::hint::black_box(work(window));
        runs.push(Some(window.len() as f64 / 1e6 / began.elapsed().as_secs_f64()));
    }
    median(runs).unwrap_or(f64::NAN)
}
