use std::time::Duration;

/// An ID of a pool: whose it is, and until when without a session.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) uid: String,
    /// The number of the holding, while the ID is allocated.
    pub(crate) holding: Option<u64>,
    /// Its next `reluid` ends the session.
    pub(crate) marked: bool,
    /// Runs while the ID is allocated and has no session.
    pub(crate) reserved_until: Option<Duration>,
    /// When it was last given back.
    pub(crate) freed: Option<Duration>,
}

impl Member {
    pub(crate) const fn new(uid: String) -> Self {
        Self { uid, holding: None, marked: false, reserved_until: None, freed: None }
    }

    pub(crate) const fn is_free(&self) -> bool {
        self.holding.is_none()
    }

    /// Gives the ID back; answers the holding that ends with it.
    pub(crate) fn free(&mut self, now: Duration) -> Option<u64> {
        self.marked = false;
        self.reserved_until = None;
        self.freed = Some(now);
        self.holding.take()
    }
}
