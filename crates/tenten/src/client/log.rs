use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Call;
use crate::Error;
use crate::lock::lock;

/// A file with a line for each transaction: when, what, for whom, how it ended, how
/// long it took. Nothing secret.
#[derive(Debug)]
pub(crate) struct Log(Mutex<File>);

impl Log {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Begins the line of a call, which is written in any case.
    pub(super) fn begin<'a>(&'a self, call: &'a Call<'a>) -> Line<'a> {
        let outcome = "nobody waited for its end".to_owned();
        Line { log: self, call, started: Instant::now(), outcome }
    }

    fn write(&self, line: &str) {
        // A full disk is no reason to fail what was asked for.
        let _ = lock(&self.0).write_all(line.as_bytes());
    }
}

/// A transaction's line: written when this is dropped, as it is when the caller stops
/// waiting.
pub(super) struct Line<'a> {
    log: &'a Log,
    call: &'a Call<'a>,
    started: Instant,
    outcome: String,
}

impl Line<'_> {
    /// Says how it ended.
    pub(super) fn end<T>(mut self, answer: &Result<T, Error>) {
        self.outcome = match answer {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string().replace(['\n', '\r'], " "),
        };
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let (api, user, outcome) = (self.call.api, self.call.user(), &self.outcome);
        let took = self.started.elapsed().as_millis();
        self.log.write(&format!("{:.3} {api} {user} {took} ms: {outcome}\n", Timestamp::now()));
    }
}
