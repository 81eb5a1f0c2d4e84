use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::sam::Step;

/// What stands in a journal's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) version: u32,
    pub(super) process: Process,
    pub(super) rows: Vec<Row>,
}

/// One taking of an ID. No password, no session's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<Arc<str>>,
    /// When the gateway last showed it to be ours, in seconds of the machine's run.
    pub(crate) alive: u64,
}

/// Where an ID belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) gateway: String,
    pub(crate) owner: Arc<str>,
    pub(crate) group: Arc<str>,
}

const VERSION: u32 = 1;

impl Record {
    pub(super) const fn new(process: Process, rows: Vec<Row>) -> Self {
        Self { version: VERSION, process, rows }
    }

    /// A line of JSON, and one with its checksum.
    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(format!("\n{sum:08x}\n").as_bytes());
        Ok(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let damaged = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        let (line, sum) =
            text.trim_end().split_once('\n').ok_or_else(|| damaged("it is cut off"))?;
        if format!("{:08x}", crc32fast::hash(line.as_bytes())) != sum {
            return Err(damaged("its checksum is wrong"));
        }
        let record: Self = serde_json::from_str(line)?;
        match record.version {
            VERSION => Ok(record),
            _ => Err(damaged("it is of a version this one does not know")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let place =
            Place { gateway: "https://h/gw".to_owned(), owner: "o".into(), group: "g".into() };
        let row = |step, uid: Option<&str>| Row {
            place: place.clone(),
            step,
            uid: uid.map(Arc::from),
            alive: 7,
        };
        let rows = vec![row(Step::Intent, None), row(Step::Open, Some("a\nb\"ü"))];
        Record::new(Process::this(), rows)
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = record().to_bytes().expect("writable");
        assert_eq!(Record::from_bytes(&bytes).expect("readable"), record());
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let bytes = record().to_bytes().expect("writable");
        for end in 0..bytes.len() - 1 {
            assert!(Record::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() - 1 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Record::from_bytes(&bytes).is_err(), "{at}");
        }
    }
}
