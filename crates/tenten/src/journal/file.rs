use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::process::Process;
use super::record::{Place, Record, Row};
use crate::lock::lock;

/// This process's file in a folder.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(super) folder: PathBuf,
    pub(super) process: Process,
    path: PathBuf,
    /// Locked as long as this lives, which the system sees to when we cannot.
    lock: Option<File>,
    rows: Mutex<Rows>,
}

/// What is to stand in the file.
#[derive(Debug, Default)]
struct Rows {
    of: HashMap<Place, Vec<Row>>,
    /// What an earlier journal of this process left: IDs stuck or in doubt, for the next
    /// process to see.
    left: Vec<Row>,
}

/// A folder has one file of a process, whoever writes to it.
static JOURNALS: OnceLock<Mutex<HashMap<PathBuf, Weak<Journal>>>> = OnceLock::new();

impl Journal {
    /// The process's journal in that folder, which is made if it is missing.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let mut journals = lock(JOURNALS.get_or_init(Mutex::default));
        if let Some(journal) = journals.get(&folder).and_then(Weak::upgrade) {
            return Ok(journal);
        }
        let journal = Arc::new(Self::create(&folder)?);
        journals.insert(folder, Arc::downgrade(&journal));
        Ok(journal)
    }

    fn create(folder: &Path) -> io::Result<Self> {
        let process = Process::this();
        let path = folder.join(format!("{}.{LEASES}", process.name()));
        // The lock first: a file without one is a dead process's.
        let held = try_lock(&path)?.ok_or_else(|| io::Error::other("its lock is taken"))?;
        let left = left(&path)?;
        let (folder, rows) = (folder.to_path_buf(), Rows { of: HashMap::new(), left });
        let rows = Mutex::new(rows);
        let journal = Self { folder, process, path, lock: Some(held), rows };
        journal.save(&lock(&journal.rows))?;
        Ok(journal)
    }

    /// Replaces the rows of a group, durably: when this answers `Ok`, a crash finds them.
    pub(crate) fn write(&self, place: &Place, rows: Vec<Row>) -> io::Result<()> {
        let mut all = lock(&self.rows);
        // An ID that was taken again is its newer taking's.
        let taken_again = |old: &Row| {
            rows.iter().any(|row| row.place == old.place && row.uid.is_some() && row.uid == old.uid)
        };
        all.left.retain(|old| !taken_again(old));
        all.of.insert(place.clone(), rows);
        self.save(&all)
    }

    /// Nothing that was left of that group counts any more; the next [`write`](Self::write)
    /// says so.
    pub(crate) fn forget(&self, place: &Place) {
        lock(&self.rows).left.retain(|row| row.place != *place);
    }

    fn save(&self, rows: &Rows) -> io::Result<()> {
        let rows = rows.of.values().flatten().chain(&rows.left).cloned().collect();
        replace(&self.path, &Record::new(self.process.clone(), rows))
    }

    pub(super) fn is_own(&self, path: &Path) -> bool {
        path == self.path
    }
}

/// A journal without rows says nothing.
impl Drop for Journal {
    fn drop(&mut self) {
        let rows = self.rows.get_mut().unwrap_or_else(PoisonError::into_inner);
        if rows.left.is_empty() && rows.of.values().all(Vec::is_empty) {
            remove(&self.path);
        }
        drop(self.lock.take());
    }
}

/// The rows of the process's own file, if it had one before.
fn left(path: &Path) -> io::Result<Vec<Row>> {
    match fs::read(path) {
        Ok(bytes) => Record::from_bytes(&bytes).map(|record| record.rows),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The endings of a journal's files.
pub(super) const LEASES: &str = "leases";
const LOCK: &str = "lock";
const NEW: &str = "new";

/// Takes the lock of the journal at `path`; `None` if a living process has it.
pub(super) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let path = path.with_extension(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Puts a record in the place of the last one: all of it, or none.
pub(super) fn replace(path: &Path, record: &Record) -> io::Result<()> {
    let new = path.with_extension(NEW);
    let mut file = private().create(true).truncate(true).write(true).open(&new)?;
    file.write_all(&record.to_bytes()?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// For nobody else's eyes: it names users.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes a journal away: its rows first, since they are what counts.
pub(super) fn remove(path: &Path) {
    // Whatever stays is empty, and the next start takes it away.
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(path.with_extension(NEW));
    let _ = fs::remove_file(path.with_extension(LOCK));
}
