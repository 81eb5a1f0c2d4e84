//! Telling listeners what happened.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::event::Event;
use crate::{PoolEvents, WeakAnyPool};

/// Whoever listens to a pool: other people's code, never run under the lock.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    pool: Option<Arc<str>>,
    listeners: Vec<Arc<dyn PoolEvents>>,
}

impl Listeners {
    /// Tells them which pool it is.
    pub(crate) fn of(self, pool: Option<Arc<str>>) -> Self {
        Self { pool, ..self }
    }

    /// Asks each whom to tell in its stead.
    pub(crate) fn attached(self, line: &WeakAnyPool) -> Self {
        let Self { pool, listeners } = self;
        let attached = |listener: Arc<dyn PoolEvents>| {
            let asked = AssertUnwindSafe(|| listener.attach(pool.as_deref(), line));
            // One that panics is told itself.
            panic::catch_unwind(asked).ok().flatten().unwrap_or(listener)
        };
        let listeners = listeners.into_iter().map(attached).collect();
        Self { pool, listeners }
    }

    pub(crate) fn add(&mut self, listener: Arc<dyn PoolEvents>) {
        self.listeners.push(listener);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.each(|pool, listener| event.tell(pool, listener));
    }

    #[inline]
    pub(crate) fn each(&self, tell: impl Fn(Option<&str>, &dyn PoolEvents)) {
        for listener in &self.listeners {
            // One that panics hurts nobody.
            let told = AssertUnwindSafe(|| tell(self.pool.as_deref(), &**listener));
            let _ = panic::catch_unwind(told);
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("listeners", &self.listeners.len()).finish()
    }
}

/// What the janitor has to tell, told apart from its rounds, since it keeps everybody's
/// time and must not wait for a listener. Dropped before that, it is told at once.
pub(crate) struct News {
    listeners: Listeners,
    events: Vec<Event>,
}

impl News {
    pub(crate) fn new(listeners: &Listeners, events: Vec<Event>) -> Self {
        Self { listeners: listeners.clone(), events }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.events.iter().for_each(|event| self.listeners.tell(event));
    }
}
