//! Setting up a pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::draft::Draft;
use super::hooks::{HookFuture, Hooks};
use super::listeners::Listeners;
use super::opener::Opener;
use super::shared::Shared;
use crate::{Backend, ConfigError, Pool, PoolEvents, Session};

/// Sets up a [`Pool`].
///
/// Every setting has a default that suits one service talking to one remote end.
/// Nothing is checked before [`build`](Self::build), so setters may be called in
/// any order.
#[must_use = "a builder does nothing until `build` is called"]
pub struct PoolBuilder<S: Session> {
    opener: Box<dyn Opener<S>>,
    draft: Draft,
    listeners: Listeners,
    hooks: Hooks<S>,
}

impl<S: Session> PoolBuilder<S> {
    pub(crate) fn new(backend: impl Backend<Session = S>) -> Self {
        let draft = Draft::within(&backend.bounds());
        Self {
            opener: Box::new(backend),
            draft,
            listeners: Listeners::default(),
            hooks: Hooks::none(),
        }
    }

    /// Names the pool in its errors, for services that have several.
    /// Default: no name.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.draft.name = Some(name.into());
        self
    }

    /// Caps sessions, in whatever state: opening, idle, leased, cleaning and
    /// closing together, at every instant. At least 1. Default: 10, or fewer where the
    /// backend's remote end has no more.
    pub fn max_size(mut self, sessions: usize) -> Self {
        self.draft.max_size = sessions;
        self
    }

    /// Caps idle sessions: one that comes back beyond it, when nobody waits, is
    /// ended. At most `max_size`. Default: `max_size`.
    ///
    /// Together with `max_size` this is what SQLAlchemy calls `pool_size` and
    /// `max_overflow`: `max_idle(5).max_size(15)` keeps 5 and allows 10 more.
    pub fn max_idle(mut self, sessions: usize) -> Self {
        self.draft.max_idle = Some(sessions);
        self
    }

    /// Keeps that many sessions idle, opening more in the background as they are
    /// lent, while `max_size` allows. At most `max_idle`. Default: 0.
    ///
    /// The stock is filled from [`build`](Self::build) on when that is called
    /// inside a runtime, and from the first `acquire` on otherwise.
    pub fn min_idle(mut self, sessions: usize) -> Self {
        self.draft.min_idle = sessions;
        self
    }

    /// Caps tasks queued for a session; one more fails at once with
    /// [`QueueFull`](crate::AcquireError::QueueFull) instead of joining a line it
    /// would time out in. Zero never queues. Those whose [class](Self::limit) is full do
    /// not count against others. Default: 1000.
    ///
    /// A task whose session has yet to be opened is queued, too: with zero, only
    /// idle sessions are lent.
    pub fn max_waiters(mut self, tasks: usize) -> Self {
        self.draft.max_waiters = tasks;
        self
    }

    /// Caps openings in progress at once, so that neither a spike nor the end of
    /// an outage storms the remote end. At least 1. Default: 2.
    pub fn max_connecting(mut self, openings: usize) -> Self {
        self.draft.max_connecting = openings;
        self
    }

    /// Bounds one acquire in total, queueing and opening together; no caller
    /// waits longer. [`AcquireOptions::timeout`](crate::AcquireOptions::timeout)
    /// sets it for one call. Not zero. Default: 30 s.
    ///
    /// On Linux a limit of one second or more may end a tick of the kernel's coarse clock
    /// (1 to 4 ms) early, unless tokio was built with a clock that can be paused (its
    /// feature `test-util`).
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.draft.acquire_timeout = limit;
        self
    }

    /// Bounds one opening, from the name's resolution to the end of the login.
    /// It is not tied to any caller: an opening goes on when the caller it was
    /// begun for has given up. Not zero. Default: 15 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.draft.connect_timeout = limit;
        self
    }

    /// Bounds the cleaning of a session that came back dirty; one that takes
    /// longer is ended. Not zero. Default: 5 s.
    pub fn release_timeout(mut self, limit: Duration) -> Self {
        self.draft.release_timeout = limit;
        self
    }

    /// Bounds the ending of a session; its place is free after that, confirmed
    /// or not. A [`before_close`](Self::before_close) hook has as long before that.
    /// Not zero. Default: 5 s.
    pub fn close_timeout(mut self, limit: Duration) -> Self {
        self.draft.close_timeout = limit;
        self
    }

    /// Bounds each begin, commit, rollback and savepoint that a
    /// [`Unit`](crate::Unit) or [`Pool::transaction`] sends, so that a dead
    /// network cannot hold a caller for ever. A commit that takes longer has an
    /// unknown outcome. The statements between them are the caller's to bound.
    /// Not zero. Default: 30 s.
    pub fn lifecycle_timeout(mut self, limit: Duration) -> Self {
        self.draft.lifecycle_timeout = limit;
        self
    }

    /// Ends a session unused for this long, counted from its return; `min_idle`
    /// sessions stay. `None` never does. Not zero. Default: 10 min.
    ///
    /// Where sessions say that the remote end ends them earlier
    /// ([`Session::idle_limit`]), and none of this, `max_lifetime` and
    /// `keepalive_interval` comes before that, the pool goes by four fifths of the remote
    /// end's limit, checks `min_idle` sessions as often, and tells it
    /// ([`PoolEvents::outlived`]).
    pub fn idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.draft.idle_timeout = limit.into();
        self
    }

    /// Ends a session that is older than this, once it is not lent; `None` lets it
    /// grow old. Set it below any limit the remote end has. Not zero.
    /// Default: 30 min.
    ///
    /// Each session's own limit is up to a fifth shorter, at random, so that sessions
    /// opened together do not end together. Where somebody waits or `min_idle` sessions
    /// are kept, and an opening can begin at once in another place, its successor is opened
    /// before it is closed. It counts as closing meanwhile, and may be open at the remote end
    /// for as long as an opening takes: up to [`connect_timeout`](Self::connect_timeout)
    /// beyond this limit.
    pub fn max_lifetime(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.draft.max_lifetime = age.into();
        self
    }

    /// Ends a session that has been lent this often, as soon as it comes back: it waits for
    /// no successor. At least 1. Default: `None`, no limit.
    pub fn max_uses(mut self, uses: impl Into<Option<u64>>) -> Self {
        self.draft.max_uses = uses.into();
        self
    }

    /// Checks a session before it is lent that was idle for at least this long;
    /// `None` never does, zero always. Default: 500 ms.
    ///
    /// The check is in the acquire's time. It goes on when the caller gives up, and
    /// the session serves the next. When a session does not answer, those idle for
    /// longer are ended with it, so that a caller pays for one check and one opening
    /// at most.
    pub fn check_after_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.draft.check_after_idle = idle.into();
        self
    }

    /// Bounds one check; a session that takes longer is ended. Not zero.
    /// Default: 5 s.
    pub fn check_timeout(mut self, limit: Duration) -> Self {
        self.draft.check_timeout = limit;
        self
    }

    /// Checks sessions that stay idle this often, in the background, so that
    /// nothing between here and the remote end forgets them, and dead ones are found
    /// before a caller does. Not zero. Default: `None`.
    pub fn keepalive_interval(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.draft.keepalive_interval = idle.into();
        self
    }

    /// Fails acquires at once, with the cause, when no session lives (one that is being
    /// closed does not) and openings have failed for this long, until one succeeds; `None`
    /// lets each wait for its own deadline. Zero fails at the first failure. Default: `None`.
    ///
    /// Those who are turned away cause the next opening when it is due, so that the
    /// end of an outage is found out while anyone asks.
    /// Whoever waited through a [`pause`](crate::Pool::pause) waits for that opening, too, if
    /// no session lives when the pool is resumed; when the last one ends later, those are
    /// failed like all others.
    pub fn fail_fast_after(mut self, outage: impl Into<Option<Duration>>) -> Self {
        self.draft.fail_fast_after = outage.into();
        self
    }

    /// Caps a kind of work: at most that many sessions at once are lent to acquires
    /// that name this class with
    /// [`AcquireOptions::class`](crate::AcquireOptions::class), so that slow reports
    /// leave sessions for pages. At least 1; more than `max_size` caps nothing.
    /// Default: no classes.
    ///
    /// A class has no sessions of its own, and whoever names none is capped by
    /// `max_size` alone. Callers are served in the order in which they began to wait,
    /// except that those whose class is full are passed over until it is not.
    pub fn limit(mut self, class: impl Into<Arc<str>>, sessions: usize) -> Self {
        self.draft.class(class.into()).limit = Some(sessions);
        self
    }

    /// Bounds each acquire of that class which sets no
    /// [`timeout`](crate::AcquireOptions::timeout) of its own. Not zero. Default: the
    /// [`acquire_timeout`](Self::acquire_timeout).
    pub fn class_timeout(mut self, class: impl Into<Arc<str>>, limit: Duration) -> Self {
        self.draft.class(class.into()).timeout = Some(limit);
        self
    }

    /// Tells of a session that has been lent for longer than this, once: by the event
    /// [`leaked`](crate::PoolEvents::leaked), with the place that acquired it, and by
    /// [`Counters::leaked`](crate::Counters::leaked). No caller is failed for it and
    /// nothing is taken back. Not zero. Default: `None`.
    pub fn leak_detection(mut self, lent: impl Into<Option<Duration>>) -> Self {
        self.draft.leak_detection = lent.into();
        self
    }

    /// Has `listener` told what happens in the pool; further ones are told after it. See
    /// [`event`](crate::event). Default: nobody listens. A listener that keeps a [`Pool`]
    /// keeps that pool open; a [`WeakPool`](crate::WeakPool) does not.
    pub fn events(mut self, listener: Arc<dyn PoolEvents>) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Runs `hook` on each session once it is opened, before anybody is lent it: to look
    /// whether it is the right one, to fill its caches. Setting it again replaces it.
    /// Default: none.
    ///
    /// It is part of the opening, within the same
    /// [`connect_timeout`](Self::connect_timeout). When it fails, panics or takes too long
    /// the session is ended and the opening has failed. What it leaves on the session is
    /// cleaned away as any borrower's would be, within
    /// [`release_timeout`](Self::release_timeout): settings that are to stay belong in the
    /// backend's own configuration. A hook that keeps a [`Pool`] keeps that pool open; a
    /// [`WeakPool`](crate::WeakPool) does not.
    ///
    /// ```
    /// # use sessionpool_core::Pool;
    /// # let backend = sessionpool_testkit::Scripted::new();
    /// let pool = Pool::builder(backend)
    ///     .after_open(|session| Box::pin(async move { session.write("hello").await }))
    ///     .build()?;
    /// # Ok::<_, sessionpool_core::ConfigError>(())
    /// ```
    pub fn after_open(
        mut self,
        hook: impl for<'s> Fn(&'s mut S) -> HookFuture<'s, S> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.after_open = Some(Box::new(hook));
        self
    }

    /// Runs `hook` on each session before the pool closes it, for at most
    /// [`close_timeout`](Self::close_timeout): to say goodbye. Setting it again replaces
    /// it. Default: none.
    ///
    /// Only for sessions that are clean: not for one that came back with a transaction
    /// open, is broken, did not answer a check or ends with its runtime. The session is
    /// closed whatever becomes of the hook; [`hook_failed`](PoolEvents::hook_failed) tells
    /// of one that failed.
    pub fn before_close(
        mut self,
        hook: impl for<'s> Fn(&'s mut S) -> HookFuture<'s, S> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.before_close = Some(Box::new(hook));
        self
    }

    /// Checks the settings and makes the pool. Opens nothing yet, unless a
    /// [`min_idle`](Self::min_idle) is to be kept.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that cannot work, its value, and
    /// what would be valid.
    pub fn build(self) -> Result<Pool<S>, ConfigError> {
        let (settings, limits) = self.draft.validate()?;
        Ok(Pool::new(Shared::new(self.opener, settings, limits, self.listeners, self.hooks)))
    }
}

impl<S: Session> fmt::Debug for PoolBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The backend is left out: it may hold credentials.
        f.debug_struct("PoolBuilder").field("settings", &self.draft).finish_non_exhaustive()
    }
}
