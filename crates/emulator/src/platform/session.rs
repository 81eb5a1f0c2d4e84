use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Secret, Workspace};
use crate::protocol::Refusal;
use crate::table::{Catalog, Table};

/// A platform session: its view of the tables, its workspace, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) sid: Secret,
    pub(crate) pswd: Secret,
    /// As it was when the session began, and with what it saved since; it sees no other
    /// later tables.
    catalog: Mutex<Arc<Catalog>>,
    workspace: Mutex<Workspace>,
    turn: Arc<Semaphore>,
    ended: watch::Sender<bool>,
}

impl Session {
    pub(crate) fn new(catalog: Arc<Catalog>, infinity_is_na: bool) -> Arc<Self> {
        Arc::new(Self {
            sid: Secret::new(&fastrand::u32(100_000_000..2_000_000_000).to_string()),
            pswd: Secret::new(&password()),
            catalog: Mutex::new(catalog),
            workspace: Mutex::new(Workspace::new(infinity_is_na)),
            turn: Arc::new(Semaphore::new(1)),
            ended: watch::Sender::new(false),
        })
    }

    pub(crate) fn accepts(&self, sid: Option<&str>, pswd: Option<&str>) -> bool {
        self.sid.is(sid) && self.pswd.is(pswd)
    }

    /// Waits for the requests that came before, first come first served.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        turn.map_err(|_| Refusal::not_logged_in())
    }

    /// A table as the session sees it.
    pub(crate) fn find(&self, path: &str) -> Result<Arc<Table>, Refusal> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner).find(path)
    }

    /// Has the session see a table that it saved.
    pub(crate) fn put(&self, table: Arc<Table>) {
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut catalog).put(table);
    }

    /// Short: not to be held while rows are looked at.
    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that wait for their turn, and the one that runs, are told.
    pub(crate) fn end(&self) {
        self.turn.close();
        self.ended.send_replace(true);
    }

    /// Comes back when the session has ended.
    pub(crate) async fn ended(&self) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

/// Seven underscores, and more than a hundred letters and digits.
fn password() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digits = (0..112).map(|_| char::from(DIGITS[fastrand::usize(..36)]));
    "_______".chars().chain(digits).collect()
}
