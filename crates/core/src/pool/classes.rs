//! Kinds of work, each with a cap on how many sessions it may have at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::stopwatch::{Nanos, Stopwatch};
use crate::ClassSettings;

/// Which class; an index into the pool's settings, and the ledger's [`Classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassId(u16);

impl ClassId {
    pub(crate) const fn new(index: usize) -> Self {
        Self(index as u16)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What each class has.
#[derive(Debug)]
pub(crate) struct Classes(Vec<Share>);

#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) name: Arc<str>,
    pub(crate) limit: Option<usize>,
    pub(crate) leased: usize,
    /// How long it had all that it may have.
    full: Stopwatch,
}

impl Share {
    /// How many more sessions it may have.
    pub(crate) fn room(&self) -> usize {
        self.limit.map_or(usize::MAX, |limit| limit - self.leased)
    }

    fn changed(&mut self, now: Instant) {
        self.full.run(now, self.room() == 0);
    }
}

impl Classes {
    pub(crate) fn new(classes: &[ClassSettings]) -> Self {
        let share = |ClassSettings { name, limit, .. }: &ClassSettings| Share {
            name: Arc::clone(name),
            limit: *limit,
            leased: 0,
            full: Stopwatch::new(),
        };
        Self(classes.iter().map(share).collect())
    }

    /// True if one more session may be lent for work of that class.
    #[inline]
    pub(crate) fn has_room(&self, class: Option<ClassId>) -> bool {
        class.is_none_or(|class| self.share(class).room() > 0)
    }

    #[inline]
    pub(crate) fn enter(&mut self, now: Instant, class: Option<ClassId>) {
        if let Some(class) = class {
            let share = &mut self.0[class.index()];
            share.leased += 1;
            share.changed(now);
        }
    }

    #[inline]
    pub(crate) fn leave(&mut self, now: Instant, class: Option<ClassId>) {
        if let Some(class) = class {
            let share = &mut self.0[class.index()];
            share.leased -= 1;
            share.changed(now);
        }
    }

    /// For how long that class has had all that it may have.
    #[inline]
    pub(crate) fn full_mark(&self, now: Instant, class: Option<ClassId>) -> Nanos {
        class.map_or_else(Nanos::default, |class| self.share(class).full.total(now))
    }

    /// For how long it has since then.
    pub(crate) fn full_since(&self, mark: Nanos, now: Instant, class: Option<ClassId>) -> Duration {
        class.map_or(Duration::ZERO, |class| self.share(class).full.added_since(mark, now))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn share(&self, class: ClassId) -> &Share {
        &self.0[class.index()]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClassId, &Share)> {
        self.0.iter().enumerate().map(|(index, share)| (ClassId::new(index), share))
    }
}
