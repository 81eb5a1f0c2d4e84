//! What goes through a pool.

use std::panic::{self, AssertUnwindSafe};

use crate::{Extensions, Session, call};

/// A session, and what the application keeps with it.
#[derive(Debug)]
pub(crate) struct Parcel<S> {
    pub(crate) session: S,
    extensions: Option<Box<Extensions>>,
}

impl<S> Parcel<S> {
    #[inline]
    pub(crate) const fn new(session: S) -> Self {
        Self { session, extensions: None }
    }

    pub(crate) fn extensions(&mut self) -> &mut Extensions {
        self.extensions.get_or_insert_default()
    }
}

impl<S: Session> Parcel<S> {
    /// Ends the session on this side. This runs in drops, so a panic of the application's
    /// values in theirs is not let through.
    pub(crate) fn abort(self) {
        let Self { session, extensions } = self;
        call::abort(session);
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(extensions)));
    }
}
