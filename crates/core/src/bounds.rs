use std::time::Duration;

/// What a backend knows about its remote end that a pool of its sessions goes by:
/// [`Backend::bounds`](crate::Backend::bounds).
///
/// The limit binds; the rest are defaults, which the pool's builder overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// The most sessions the remote end has for this backend, and why: a larger
    /// `max_size` is an error that says so.
    pub most_sessions: Option<(usize, &'static str)>,
    /// In place of the pool's default for
    /// [`idle_timeout`](crate::PoolBuilder::idle_timeout).
    pub idle_timeout: Option<Duration>,
    /// In place of the pool's default for [`max_uses`](crate::PoolBuilder::max_uses).
    pub max_uses: Option<u64>,
}

impl Bounds {
    /// Binds nothing and suggests nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { most_sessions: None, idle_timeout: None, max_uses: None }
    }

    /// Allows at most so many sessions; `why` completes "at most 1 is possible: …".
    #[must_use]
    pub const fn most_sessions(mut self, sessions: usize, why: &'static str) -> Self {
        self.most_sessions = Some((sessions, why));
        self
    }

    /// Suggests an idle time.
    #[must_use]
    pub const fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Suggests how often a session is lent.
    #[must_use]
    pub const fn max_uses(mut self, uses: u64) -> Self {
        self.max_uses = Some(uses);
        self
    }
}
