//! Where a request keeps its unit.

use std::any::type_name;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::MatchedPath;
use sessionpool_core::{Transactional, Unit};
use tokio::sync::Notify;

use crate::config::Config;
use crate::{Background, WorkError};

/// One request's unit, shared by all of its extractors.
pub(crate) struct Slot<S: Transactional> {
    config: Arc<Config<S>>,
    background: Background,
    state: Mutex<State<S>>,
    /// Somebody may have been the last to have a hand in it.
    changed: Notify,
}

struct State<S: Transactional> {
    seat: Seat<S>,
    handles: usize,
    kept: bool,
    route: Option<MatchedPath>,
    used_at: Option<&'static Location<'static>>,
}

#[allow(clippy::large_enum_variant, reason = "a box would cost every request an allocation")]
enum Seat<S: Transactional> {
    /// Nobody has asked for the unit.
    Empty,
    In(Unit<S>),
    /// In use, since this line.
    Out(&'static Location<'static>),
    /// The request is over.
    Ended,
}

/// What a request leaves behind.
pub(crate) enum Left<S: Transactional> {
    Nothing,
    Unit(Unit<S>),
    /// The body goes on with it.
    Kept,
    /// Somebody took a handle away with him; the unit, unless he is using it.
    Stray(Stray, Option<Unit<S>>),
}

/// Where to look for him.
#[derive(Debug)]
pub(crate) struct Stray {
    session: &'static str,
    route: Option<MatchedPath>,
    used_at: Option<&'static Location<'static>>,
}

impl<S: Transactional> Slot<S> {
    /// For a request.
    pub(crate) fn new(config: &Arc<Config<S>>, background: Background) -> Arc<Self> {
        Self::with(config, background, Seat::Empty)
    }

    /// For what a request asked for, which has a unit of its own.
    pub(crate) fn of(config: &Arc<Config<S>>, background: Background, unit: Unit<S>) -> Arc<Self> {
        Self::with(config, background, Seat::In(unit))
    }

    fn with(config: &Arc<Config<S>>, background: Background, seat: Seat<S>) -> Arc<Self> {
        let state = State { seat, handles: 0, kept: false, route: None, used_at: None };
        let (config, state) = (Arc::clone(config), Mutex::new(state));
        Arc::new(Self { config, background, state, changed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn config(&self) -> &Arc<Config<S>> {
        &self.config
    }

    pub(crate) const fn background(&self) -> &Background {
        &self.background
    }

    /// True if nobody has had a unit made yet.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.state().seat, Seat::Empty)
    }

    /// One more handle; `unit` is for a slot without.
    pub(crate) fn enter(&self, unit: Option<Unit<S>>, route: Option<MatchedPath>) {
        let mut state = self.state();
        if let (Seat::Empty, Some(unit)) = (&state.seat, unit) {
            state.seat = Seat::In(unit);
        }
        state.route = route.or_else(|| state.route.take());
        state.handles += 1;
    }

    pub(crate) fn exit(&self) {
        self.state().handles -= 1;
        self.changed.notify_one();
    }

    pub(crate) fn take(&self, site: &'static Location<'static>) -> Result<Unit<S>, WorkError> {
        let mut state = self.state();
        match state.seat {
            Seat::In(_) => {}
            Seat::Out(since) => return Err(WorkError::InUse { site, since }),
            Seat::Empty | Seat::Ended => return Err(WorkError::Ended { site }),
        }
        state.used_at = Some(site);
        match std::mem::replace(&mut state.seat, Seat::Out(site)) {
            Seat::In(unit) => Ok(unit),
            Seat::Empty | Seat::Out(_) | Seat::Ended => unreachable!("looked at a line ago"),
        }
    }

    /// Gives back what was taken. With the request over, that ends it.
    pub(crate) fn put(&self, unit: Unit<S>) {
        let mut state = self.state();
        let late = match state.seat {
            Seat::Out(_) => {
                state.seat = Seat::In(unit);
                None
            }
            Seat::Empty | Seat::In(_) | Seat::Ended => Some(unit),
        };
        drop(state);
        drop(late);
        self.changed.notify_one();
    }

    pub(crate) fn keep(&self) {
        self.state().kept = true;
    }

    /// The handler has answered.
    pub(crate) fn leave(&self) -> Left<S> {
        let mut state = self.state();
        if state.kept {
            return Left::Kept;
        }
        Self::end(&mut state)
    }

    /// The body that kept it has come to its end.
    pub(crate) fn leave_body(&self) -> Left<S> {
        Self::end(&mut self.state())
    }

    fn end(state: &mut State<S>) -> Left<S> {
        // In use without a handle it is when a guard was forgotten.
        let stray = state.handles > 0 || matches!(state.seat, Seat::Out(_));
        let unit = match std::mem::replace(&mut state.seat, Seat::Ended) {
            Seat::In(unit) => Some(unit),
            Seat::Empty | Seat::Out(_) | Seat::Ended => None,
        };
        if stray {
            let route = state.route.take();
            let stray = Stray { session: type_name::<S>(), route, used_at: state.used_at };
            return Left::Stray(stray, unit);
        }
        unit.map_or(Left::Nothing, Left::Unit)
    }

    /// Waits until nobody has a hand in it.
    pub(crate) async fn quiet(&self) {
        while !self.is_quiet() {
            self.changed.notified().await;
        }
    }

    fn is_quiet(&self) -> bool {
        let state = self.state();
        state.handles == 0 && !matches!(state.seat, Seat::Out(_))
    }
}

/// Whose request it is: however that ends, the unit ends with it.
pub(crate) struct Owner<S: Transactional>(Arc<Slot<S>>);

impl<S: Transactional> Owner<S> {
    pub(crate) const fn new(slot: Arc<Slot<S>>) -> Self {
        Self(slot)
    }

    pub(crate) const fn slot(&self) -> &Arc<Slot<S>> {
        &self.0
    }
}

impl<S: Transactional> Drop for Owner<S> {
    fn drop(&mut self) {
        let seat = std::mem::replace(&mut self.0.state().seat, Seat::Ended);
        drop(seat);
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a Work<{}>", self.session)?;
        if let Some(route) = &self.route {
            write!(f, " extracted for {}", route.as_str())?;
        }
        match self.used_at {
            Some(site) => write!(f, ", last used at {site}"),
            None => f.write_str(", never used"),
        }
    }
}
