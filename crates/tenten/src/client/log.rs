use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Call;
use crate::Error;

/// A file with a line for each transaction: when, what, for whom, how it ended, how
/// long it took. Nothing secret.
#[derive(Debug)]
pub(crate) struct Log(Mutex<File>);

impl Log {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    pub(super) fn note<T>(&self, call: &Call<'_>, answer: &Result<T, Error>, took: Duration) {
        let (api, user, took) = (call.api, call.user(), took.as_millis());
        let outcome = match answer {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string().replace(['\n', '\r'], " "),
        };
        let line = format!("{:.3} {api} {user} {took} ms: {outcome}\n", Timestamp::now());
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk is no reason to fail what was asked for.
        let _ = file.write_all(line.as_bytes());
    }
}
