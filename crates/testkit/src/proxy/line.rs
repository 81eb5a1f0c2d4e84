use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::connection::Ending;
use super::trap::{Direction, Snare, Then, Trap};

/// What all connections have in common.
#[derive(Debug, Default)]
pub(super) struct Line {
    condition: watch::Sender<Condition>,
    connections: Mutex<HashMap<u64, watch::Sender<Option<Ending>>>>,
    snares: Mutex<Vec<Arc<Snare>>>,
    accepted: AtomicU64,
    trips: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    /// Each way.
    pub(super) latency: Duration,
    pub(super) passes: bool,
    pub(super) accepts: bool,
}

impl Default for Condition {
    fn default() -> Self {
        Self { latency: Duration::ZERO, passes: true, accepts: true }
    }
}

impl Line {
    pub(super) fn change(&self, change: impl FnOnce(&mut Condition)) {
        self.condition.send_modify(change);
    }

    pub(super) fn latency(&self) -> Duration {
        self.condition.borrow().latency
    }

    pub(super) fn accepts(&self) -> bool {
        self.condition.borrow().accepts
    }

    /// Waits until something gets through.
    pub(super) async fn passable(&self) {
        // It fails when the sender is gone, and that is ours.
        let _ = self.condition.subscribe().wait_for(|condition| condition.passes).await;
    }

    pub(super) fn set_trap(&self, direction: Direction, pattern: &[u8], then: Then) -> Trap {
        let snare = Arc::new(Snare::new(direction, pattern, then));
        locked(&self.snares).push(Arc::clone(&snare));
        Trap::new(snare)
    }

    /// The traps for a direction that have not sprung.
    pub(super) fn snares(&self, direction: Direction) -> Vec<Arc<Snare>> {
        let mut snares = locked(&self.snares);
        snares.retain(|snare| !snare.has_sprung());
        snares.iter().filter(|snare| snare.direction() == direction).map(Arc::clone).collect()
    }

    pub(super) fn register(self: &Arc<Self>) -> Registered {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        let (sender, ending) = watch::channel(None);
        locked(&self.connections).insert(number, sender);
        Registered { number, line: Arc::clone(self), ending }
    }

    pub(super) fn end_all(&self, ending: Ending) {
        for connection in locked(&self.connections).values() {
            connection.send_replace(Some(ending));
        }
    }

    pub(super) fn connections(&self) -> usize {
        locked(&self.connections).len()
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn count_trip(&self) {
        self.trips.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }
}

/// A connection's entry, there for as long as it is open.
#[derive(Debug)]
pub(super) struct Registered {
    number: u64,
    line: Arc<Line>,
    ending: watch::Receiver<Option<Ending>>,
}

impl Registered {
    pub(super) fn end(&self, ending: Ending) {
        if let Some(connection) = locked(&self.line.connections).get(&self.number) {
            connection.send_replace(Some(ending));
        }
    }

    /// Waits until the connection is to end.
    pub(super) async fn ended(&self) -> Ending {
        let mut ending = self.ending.clone();
        match ending.wait_for(Option::is_some).await.map(|ending| *ending) {
            Ok(Some(ending)) => ending,
            Ok(None) | Err(_) => Ending::Close,
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        locked(&self.line.connections).remove(&self.number);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
