//! Bytes in a second of one core's time, without a network.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use sessionpool_tenten::measure;

use super::server::{COLUMNS, WINDOW};
use crate::statistics::median;

/// As the client knows beforehand.
const CELLS: usize = WINDOW as usize * COLUMNS;

/// How long each is looked at.
const SLICE: Duration = Duration::from_secs(1);

/// Our parser: to the place of every cell, as when a window comes in.
pub(crate) fn ours(window: &Bytes) -> f64 {
    let read = |body| measure::parse(body, CELLS).expect("the window can be read");
    megabytes_a_second(window, || window.to_vec(), read)
}

/// All that one could hope for: finding every tag, one after the other.
pub(crate) fn memchr(window: &Bytes) -> f64 {
    let find = |()| memchr::memchr_iter(b'<', window).fold(0_usize, |count, _| count + 1);
    megabytes_a_second(window, || (), find)
}

/// Neither making what is worked on counts, nor throwing away what comes of it.
fn megabytes_a_second<B, T>(window: &Bytes, make: impl Fn() -> B, work: impl Fn(B) -> T) -> f64 {
    let end = Instant::now() + SLICE;
    let mut runs = Vec::new();
    while Instant::now() < end {
        let body = make();
        let began = cpu();
        let done = std::hint::black_box(work(body));
        runs.push(Some(window.len() as f64 / 1e6 / (cpu() - began)));
        drop(done);
    }
    median(runs).unwrap_or(f64::NAN)
}

/// Seconds that this thread has had of a core: others have theirs.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
