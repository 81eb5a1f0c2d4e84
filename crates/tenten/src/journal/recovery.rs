//! Giving back what dead processes held: what is certain, and nothing else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use super::file::{Journal, LEASES, remove, replace, try_lock};
use super::process::uptime;
use super::record::{Place, Record, Row};
use super::report::{JournalReport, Orphan};
use crate::client::Client;
use crate::sam::Step;
use crate::secret::Secret;
use crate::wire::sam::{self, Group};
use crate::{Error, Result, choices};

/// Looks through the journals of the folder, and gives back what dead
/// processes certainly held at `place`.
///
/// Certain is an ID that was taken, that was not on its way back, that the gateway showed
/// to be theirs less than `reservation` ago, and that no living process holds: until then
/// the gateway gives it to nobody else.
pub(crate) async fn recover(
    journal: &Journal,
    place: &Place,
    reservation: Duration,
    release: &Release<'_>,
) -> io::Result<JournalReport> {
    let mut report = JournalReport::default();
    let (mut dead, mut living) = (Vec::new(), HashSet::new());
    for path in journals(journal)? {
        match look(journal, &path, &mut report) {
            Ok(Found::Dead(orphaned)) => dead.push(orphaned),
            Ok(Found::Living(rows)) => living.extend(rows.into_iter().filter_map(|row| row.uid)),
            Ok(Found::Gone) => {}
            // One that cannot be opened is no reason to open no session.
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "lease journal cannot be read");
                report.unreadable.push(path);
            }
        }
    }
    for mut orphaned in dead {
        orphaned.settle(journal, place, reservation, &living, release, &mut report).await?;
    }
    if !report.is_empty() {
        tracing::warn!(%report, "SAM IDs left behind by processes that died");
    }
    Ok(report)
}

/// How an ID whose session's password died with its process is given back.
#[derive(Debug)]
pub(crate) struct Release<'a> {
    pub(crate) client: &'a Client,
    pub(crate) group: &'a Group,
    pub(crate) password: &'a Secret,
}

impl Release<'_> {
    async fn of(&self, uid: &str) -> Result<()> {
        sam::give_back_without_session(self.client, self.group, uid, self.password).await
    }
}

/// Others' journals.
fn journals(journal: &Journal) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(&journal.folder)? {
        let path = entry?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == LEASES);
        if is_journal && !journal.is_own(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

enum Found {
    Dead(Orphaned),
    Living(Vec<Row>),
    Gone,
}

/// A dead process's journal, locked so that nobody else settles it.
struct Orphaned {
    path: PathBuf,
    record: Record,
    _lock: fs::File,
}

fn look(journal: &Journal, path: &Path, report: &mut JournalReport) -> io::Result<Found> {
    let lock = try_lock(path)?;
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Gone),
        Err(error) => return Err(error),
    };
    let record = Record::from_bytes(&bytes);
    let Some(lock) = lock else {
        report.living += 1;
        return Ok(Found::Living(record.map(|record| record.rows).unwrap_or_default()));
    };
    let Ok(record) = record else {
        report.unreadable.push(path.to_path_buf());
        return Ok(Found::Gone);
    };
    // A lock says nothing about another host, nor when somebody took its file away.
    let elsewhere = record.process.host != journal.process.host;
    if elsewhere || record.process.is_running(&journal.process) {
        report.living += 1;
        return Ok(Found::Living(record.rows));
    }
    Ok(Found::Dead(Orphaned { path: path.to_path_buf(), record, _lock: lock }))
}

impl Orphaned {
    async fn settle(
        &mut self,
        journal: &Journal,
        place: &Place,
        reservation: Duration,
        living: &HashSet<Arc<str>>,
        release: &Release<'_>,
        report: &mut JournalReport,
    ) -> io::Result<()> {
        let same_run = self.record.process.is_on_this_run(&journal.process);
        let mut index = 0;
        while index < self.record.rows.len() {
            let row = &self.record.rows[index];
            if row.place != *place {
                index += 1;
                continue;
            }
            let age = uptime().saturating_sub(Duration::from_secs(row.alive));
            let doubt = match &row.uid {
                _ if row.step == Step::Intent => Some("it was being taken"),
                _ if row.step == Step::Releasing => Some("it was being given back"),
                None => Some("it was being taken"),
                Some(uid) if living.contains(uid) => Some("another process has it now"),
                Some(_) if !same_run => Some("the machine was started anew since"),
                Some(_) if age >= reservation => Some("the gateway may have freed it since"),
                Some(_) => None,
            };
            let kept = match doubt {
                Some(why) => {
                    report
                        .in_doubt
                        .push(Orphan { user: row.uid.as_deref().map(str::to_owned), why });
                    false
                }
                None => self.give_back(index, release, report).await?,
            };
            if kept {
                index += 1;
            } else {
                self.record.rows.remove(index);
            }
        }
        match self.record.rows.is_empty() {
            true => remove(&self.path),
            false => replace(&self.path, &self.record)?,
        }
        Ok(())
    }

    /// Gives one back; true if that is to be tried again at the next start.
    async fn give_back(
        &mut self,
        index: usize,
        release: &Release<'_>,
        report: &mut JournalReport,
    ) -> io::Result<bool> {
        let step = self.record.rows[index].step;
        let Some(uid) = self.record.rows[index].uid.clone() else { return Ok(false) };
        // Written down before it is done: if we die now, nobody repeats it.
        self.record.rows[index].step = Step::Releasing;
        replace(&self.path, &self.record)?;
        let user = uid.to_string();
        match release.of(&uid).await {
            Ok(()) => report.released.push(user),
            Err(error) if is_back(&error) => report.released.push(user),
            Err(error) if error.changed_nothing() => {
                self.record.rows[index].step = step;
                report.kept.push(user);
                return Ok(true);
            }
            Err(_) => {
                let why = "the answer to its release was lost";
                report.in_doubt.push(Orphan { user: Some(user), why });
            }
        }
        Ok(false)
    }
}

fn is_back(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| refusal.says(choices::NOT_TAKEN))
}
