use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::book::{Journal, Request, Visit};
use crate::clock::Clock;
use crate::fault::Rules;
use crate::http::Incoming;
use crate::platform::Platform;
use crate::protocol::Api;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Gateway {
    platform: Mutex<Platform>,
    journal: Mutex<Journal>,
    /// Counts up with each request begun or ended, for those who wait for one.
    progress: watch::Sender<u64>,
    pub(crate) clock: Clock,
    pub(crate) rules: Rules,
    /// How long a connection may bring nothing.
    pub(crate) keep_alive: Duration,
}

impl Gateway {
    pub(crate) fn new(platform: Platform, clock: Clock, keep_alive: Duration) -> Arc<Self> {
        Arc::new(Self {
            platform: Mutex::new(platform),
            journal: Mutex::default(),
            progress: watch::Sender::default(),
            clock,
            rules: Rules::default(),
            keep_alive,
        })
    }

    /// Short: never over an await, and nobody is called under it.
    pub(crate) fn platform(&self) -> MutexGuard<'_, Platform> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn visit(&self, caller: &str) -> Visit {
        Visit { now: self.clock.now(), caller: caller.to_owned() }
    }

    /// Books a request; answers its number.
    pub(crate) fn note(&self, incoming: &Incoming) -> u64 {
        let parameters = &incoming.parameters;
        let short =
            |name| parameters.get(name).map(|value| value.chars().take(100).collect::<String>());
        let request = Request {
            at: self.clock.now(),
            method: incoming.method.to_string(),
            caller: incoming.caller.clone(),
            api: short("api").unwrap_or_default(),
            uid: short("uid").unwrap_or_default(),
            gid: short("gid"),
            kill: short("kill"),
            with_sid: parameters.given("sid").is_some(),
            rc: None,
        };
        if let Ok(api) = Api::named(parameters.get("api"), true) {
            self.platform().book.call(api.name());
        }
        let number = self.journal().begin(request);
        self.moved();
        number
    }

    /// Tells those who wait that something happened.
    pub(crate) fn moved(&self) {
        self.progress.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }
}
