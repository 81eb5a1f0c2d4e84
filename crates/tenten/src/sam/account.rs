use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use sessionpool_core::Recall;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::SamReport;
use super::book::{Book, Duplicate, Number};
use crate::client::Gateway;
use crate::wire::sam::Group;
use crate::{Error, Result};

/// A group as this process knows it: one for all backends and pools of it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) group: Group,
    /// Changed at the desk only, between two awaits; read anywhere.
    book: Mutex<Book>,
    pools: Mutex<Vec<Sibling>>,
    freed: Notify,
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
            book: Mutex::default(),
            pools: Mutex::default(),
            freed: Notify::new(),
        });
        accounts.insert(key, Arc::downgrade(&account));
        account
    }

    pub(crate) fn report(&self) -> SamReport {
        SamReport::of(&lock(&self.book))
    }

    // ===== the books =====

    /// An ID is about to be asked for.
    pub(super) fn intend(&self) -> Result<Number> {
        Ok(self.change(Book::intend))
    }

    pub(super) fn not_taken(&self, number: Number) {
        self.change(|book| book.not_taken(number));
    }

    pub(super) fn leased(&self, number: Number, uid: &Arc<str>) -> Result<()> {
        self.change(|book| book.leased(number, uid)).map_err(|Duplicate| {
            tracing::error!(uid = &**uid, "gateway handed out an ID that is in use here");
            Error::Duplicate { uid: uid.to_string() }
        })
    }

    pub(super) fn open(&self, number: Number) -> Result<()> {
        self.change(|book| book.open(number));
        Ok(())
    }

    /// True if it may be given back now.
    pub(super) fn releasing(&self, number: Number) -> Result<bool> {
        Ok(self.change(|book| book.releasing(number)))
    }

    pub(super) fn released(&self, number: Number) {
        self.change(|book| book.released(number));
        self.has_room();
    }

    pub(super) fn not_released(&self, number: Number) {
        self.change(|book| book.not_released(number));
    }

    pub(super) fn stuck(&self, number: Number, uid: &str, error: &Error) {
        self.change(|book| book.stuck(number));
        tracing::error!(uid, %error, "gateway does not take a SAM ID back");
    }

    pub(super) fn in_doubt(&self, number: Number, uid: Option<&str>, error: &Error) {
        self.change(|book| book.in_doubt(number));
        let uid = uid.unwrap_or("unknown");
        tracing::warn!(uid, %error, "fate of a SAM ID is unknown; it comes back by the gateway's limits");
    }

    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        change(&mut lock(&self.book))
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
        let mut freed = pin!(self.freed.notified());
        // From here on, not from the first poll.
        freed.as_mut().enable();
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

    /// Waits until an ID came back here, but not for long.
    pub(crate) async fn room(&self, limit: Duration) {
        // In time or not, whoever waits asks again.
        let _ = timeout(limit, self.freed.notified()).await;
    }

    /// An ID came back: whoever was told that there is none asks again.
    fn has_room(&self) {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
