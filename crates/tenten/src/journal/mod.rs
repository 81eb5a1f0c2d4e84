//! The lease journal: which IDs this process holds, on disk, so that a crash loses none.
//!
//! One file for each process, replaced as a whole at every step, and locked while the
//! process lives. At its start a process looks through the files of those that have died.

mod file;
mod process;
mod record;
mod recovery;
mod report;

pub(crate) use file::Journal;
pub(crate) use process::uptime;
#[cfg(any(test, fuzzing))]
pub(crate) use record::Record;
pub(crate) use record::{Place, Row};
pub(crate) use recovery::{Release, recover};
pub use report::{JournalReport, Orphan};
