use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use sessionpool_core::Recall;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OnceCell};
use tokio::time::{sleep, timeout};

use super::SamReport;
use super::book::{Alive, Book, Duplicate, Entry, Number};
use super::held::Held;
use crate::client::Gateway;
use crate::desk::Desk;
use crate::journal::{Journal, JournalReport, Place, Release, Row, recover};
use crate::lock::lock;
use crate::office::Office;
use crate::secret::Secret;
use crate::wire::sam::Group;
use crate::{Error, Result};

/// A group as this process knows it: one for all backends and pools of it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) group: Group,
    gateway: Gateway,
    journal: OnceLock<Arc<Journal>>,
    heartbeat: AtomicBool,
    recovered: OnceCell<JournalReport>,
    /// Changed at the desk only, between two awaits; read anywhere.
    book: Mutex<Book>,
    pools: Mutex<Vec<Sibling>>,
    /// IDs that may not go back yet.
    kept: Mutex<Vec<Held>>,
    changed: Notify,
    freed: Notify,
    times_freed: AtomicU64,
}

/// A pool of the group's sessions in this process.
#[derive(Debug)]
struct Sibling {
    backend: u64,
    recall: Recall,
}

type Key = (Gateway, Group);

static ACCOUNTS: OnceLock<Mutex<HashMap<Key, Weak<Account>>>> = OnceLock::new();

impl Account {
    /// The one of that group.
    pub(crate) fn of(gateway: &Gateway, group: Group) -> Arc<Self> {
        let mut accounts = lock(ACCOUNTS.get_or_init(Mutex::default));
        accounts.retain(|_, account| account.strong_count() > 0);
        let key = (gateway.clone(), group.clone());
        if let Some(account) = accounts.get(&key).and_then(Weak::upgrade) {
            return account;
        }
        let account = Arc::new(Self {
            group,
            gateway: gateway.clone(),
            journal: OnceLock::new(),
            heartbeat: AtomicBool::new(false),
            recovered: OnceCell::new(),
            book: Mutex::default(),
            pools: Mutex::default(),
            kept: Mutex::default(),
            changed: Notify::new(),
            freed: Notify::new(),
            times_freed: AtomicU64::new(0),
        });
        accounts.insert(key, Arc::downgrade(&account));
        account
    }

    pub(crate) fn report(&self) -> SamReport {
        SamReport::of(&lock(&self.book))
    }

    // ===== the books =====
    //
    // What is to happen is written down first, and only then done.

    /// An ID is about to be asked for.
    pub(super) fn intend(&self) -> Result<Number> {
        let number = self.change(Book::intend);
        self.save().inspect_err(|_| self.change(|book| book.not_taken(number)))?;
        Ok(number)
    }

    pub(super) fn not_taken(&self, number: Number) {
        self.note(|book| book.not_taken(number));
    }

    /// One was handed out; [`Error::Duplicate`] if it is held here.
    pub(super) fn leased(
        &self,
        number: Number,
        uid: &Arc<str>,
        alive: &Alive,
        reservation: Duration,
    ) -> Result<()> {
        let leased = self.change(|book| book.leased(number, uid, alive, reservation));
        let saved = self.save();
        leased.map_err(|Duplicate| {
            tracing::error!(uid = &**uid, "gateway handed out an ID that is in use here");
            Error::Duplicate { uid: uid.to_string() }
        })?;
        saved
    }

    pub(super) fn open(&self, number: Number) -> Result<()> {
        self.change(|book| book.open(number));
        self.save()
    }

    /// True if it may be given back now.
    pub(super) fn releasing(&self, number: Number) -> Result<bool> {
        let may = self.change(|book| book.releasing(number));
        self.save().inspect_err(|_| self.change(|book| book.not_released(number)))?;
        Ok(may)
    }

    pub(super) fn released(&self, number: Number) {
        self.note(|book| book.released(number));
        self.has_room();
    }

    pub(super) fn not_released(&self, number: Number) {
        self.note(|book| book.not_released(number));
    }

    pub(super) fn stuck(&self, number: Number, uid: &str, error: &Error) {
        self.note(|book| book.stuck(number));
        tracing::error!(uid, %error, "gateway does not take a SAM ID back");
    }

    pub(super) fn in_doubt(&self, number: Number, uid: Option<&str>, error: &Error) {
        self.note(|book| book.in_doubt(number));
        let uid = uid.unwrap_or("unknown");
        tracing::warn!(uid, %error, "fate of a SAM ID is unknown; it comes back by the gateway's limits");
    }

    /// Has `reset` free all IDs at the gateway; at the desk. Those taken before are not
    /// ours any more then, and to release one would free whoever has it next.
    pub(crate) async fn reset(&self, reset: impl Future<Output = Result<()>>) -> Result<()> {
        let known = self.change(|book| book.known());
        let answer = reset.await;
        if !answer.as_ref().is_err_and(Error::changed_nothing) {
            std::mem::take(&mut *lock(&self.kept)).into_iter().for_each(Held::forget);
        }
        match &answer {
            Ok(()) => {
                if let Some(journal) = self.journal.get() {
                    journal.forget(&self.place());
                }
                self.note(|book| book.reset(&known));
            }
            Err(error) if error.changed_nothing() => return answer,
            Err(error) => {
                tracing::warn!(%error, "whether the IDs of a SAM group were reset is unknown");
                self.note(|book| known.iter().for_each(|number| book.in_doubt(*number)));
            }
        }
        self.flushed();
        self.has_room();
        answer
    }

    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let done = change(&mut lock(&self.book));
        self.changed.notify_waiters();
        done
    }

    /// Comes back when no ID is held or on its way, or the time is over.
    pub(crate) async fn settled(&self, limit: Duration) -> SamReport {
        let settled = async {
            loop {
                // From here on: what changes while we look is not missed.
                let changed = self.changed.notified();
                let report = self.report();
                if report.held.is_empty() && report.under_way == 0 {
                    return;
                }
                changed.await;
            }
        };
        // In time or not, the report says how it stands.
        let _ = timeout(limit, settled).await;
        self.report()
    }

    // ===== what may not go back yet =====
    //
    // Whoever opens a session logs in on one of them, and takes no other ID: however many
    // logins are lost, a pool holds no more IDs than it may have sessions.

    pub(super) fn keep(&self, number: Number, held: Held) {
        // Unless it was reset meanwhile.
        match self.change(|book| book.holds(number)) {
            true => lock(&self.kept).push(held),
            false => held.forget(),
        }
    }

    pub(super) fn take_kept(&self, is_meant: impl Fn(&Held) -> bool) -> Option<Held> {
        let mut kept = lock(&self.kept);
        kept.iter().position(is_meant).map(|index| kept.remove(index))
    }

    /// Changes what a crash may forget.
    fn note(&self, change: impl FnOnce(&mut Book)) {
        self.change(change);
        if let Err(error) = self.save() {
            tracing::error!(%error, "lease journal is behind");
        }
    }

    // ===== the journal =====

    /// Has every step written to this journal from now on. False if there is another one.
    pub(crate) fn keep_journal(self: &Arc<Self>, journal: &Arc<Journal>, desk: &Desk) -> bool {
        let ours = self.journal.get_or_init(|| Arc::clone(journal));
        if !Arc::ptr_eq(ours, journal) {
            return false;
        }
        if !self.heartbeat.swap(true, Ordering::Relaxed) {
            desk.leave(keep_alive(Arc::downgrade(self)));
        }
        true
    }

    /// Writes down how it stands; at the desk only, so that the last is the latest.
    fn save(&self) -> Result<()> {
        let Some(journal) = self.journal.get() else { return Ok(()) };
        let rows = lock(&self.book).entries().map(|(_, entry)| self.row(entry)).collect();
        journal.write(&self.place(), rows).map_err(|error| Error::Journal(Arc::new(error)))
    }

    fn row(&self, entry: &Entry) -> Row {
        let (step, uid, alive) = (entry.step, entry.uid.clone(), entry.alive.at());
        Row { place: self.place(), step, uid, alive }
    }

    fn place(&self) -> Place {
        let Group { owner, gid } = &self.group;
        let (owner, group) = (Arc::clone(owner), Arc::clone(gid));
        Place { gateway: self.gateway.as_str().to_owned(), owner, group }
    }

    /// Gives back what dead processes held, the first time it is asked; at the desk.
    pub(crate) async fn recover(
        &self,
        office: &Office,
        password: &Secret,
    ) -> Result<JournalReport> {
        let Some(journal) = self.journal.get() else { return Ok(JournalReport::default()) };
        let release = Release { client: &office.client, group: &self.group, password };
        let recovering = || async {
            let report = recover(journal, &self.place(), office.reservation, &release).await;
            report.map_err(|error| Error::Journal(Arc::new(error)))
        };
        self.recovered.get_or_try_init(recovering).await.cloned()
    }

    /// What that came to, once it was asked.
    pub(crate) fn journal_report(&self) -> Option<JournalReport> {
        self.recovered.get().cloned()
    }

    // ===== siblings =====

    pub(crate) fn attach(&self, backend: u64, recall: Recall) {
        let mut pools = lock(&self.pools);
        pools.retain(|sibling| !sibling.recall.is_gone());
        pools.push(Sibling { backend, recall });
    }

    /// Asks the pools of other backends for an idle session's ID, and waits until one is
    /// back, but not for long. False if none has one.
    pub(crate) async fn room_from_siblings(&self, backend: u64, limit: Duration) -> bool {
        let freed = self.freed();
        let siblings = self.recalls(|sibling| sibling.backend != backend);
        if !siblings.iter().any(|pool| pool.idle(1) > 0) {
            return false;
        }
        // In time or not, whoever waits asks again.
        let _ = timeout(limit, freed).await;
        true
    }

    /// No session opened before now is lent again.
    pub(crate) fn flushed(&self) {
        for pool in self.recalls(|_| true) {
            pool.all();
        }
    }

    /// Ready once an ID came back here, from this call on.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// How often that was.
    pub(crate) fn times_freed(&self) -> u64 {
        self.times_freed.load(Ordering::Acquire)
    }

    /// An ID came back: whoever was told that there is none asks again.
    pub(super) fn has_room(&self) {
        self.times_freed.fetch_add(1, Ordering::Release);
        self.freed.notify_waiters();
        for pool in self.recalls(|_| true) {
            pool.open_again();
        }
    }

    fn recalls(&self, meant: impl Fn(&Sibling) -> bool) -> Vec<Recall> {
        let pools = lock(&self.pools);
        pools
            .iter()
            .filter(|sibling| meant(sibling))
            .map(|sibling| sibling.recall.clone())
            .collect()
    }
}

/// How often the journal is told when the gateway last showed the IDs to be ours.
const HEARTBEAT: Duration = Duration::from_secs(60);

async fn keep_alive(account: Weak<Account>) {
    loop {
        sleep(HEARTBEAT).await;
        let Some(account) = account.upgrade() else { return };
        if lock(&account.book).entries().next().is_some() {
            account.note(|_| {});
        }
    }
}
