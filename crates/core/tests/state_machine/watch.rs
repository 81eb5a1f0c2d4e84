//! Watches that histories end: while the pool spins, virtual time stands still, and
//! the test would hang without a word.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{io, process, thread};

use crate::case::Case;

/// How many histories began, and the last of them.
static LAST: Mutex<(u64, Option<Case>)> = Mutex::new((0, None));

/// A history takes milliseconds.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

pub(crate) fn begins(case: &Case) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = (last.0 + 1, Some(case.clone()));
}

/// There is nothing to watch any more.
pub(crate) fn all_ended() {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
}

/// Ends the process when a history does not end, and shows it.
pub(crate) fn start() {
    thread::spawn(|| {
        let mut seen = 0;
        loop {
            thread::sleep(LONG_ENOUGH);
            let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
            if let (number, Some(case)) = &*last {
                if *number == seen {
                    // Not `eprintln`: what the test harness captured is lost in an abort.
                    let _ = writeln!(io::stderr(), "this history does not end: {case:#?}");
                    process::abort();
                }
                seen = *number;
            }
        }
    });
}
