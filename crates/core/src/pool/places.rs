//! The places of a pool: `max_size` of them, each free or with one session on its
//! way through life.

use std::panic::Location;

use tokio::time::Instant;

use crate::status::Closed;

/// Which place; an index that stays the same while the place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceId(u32);

/// Which janitor a session was opened under. A session's socket lives on that
/// janitor's runtime and dies with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Home(pub(crate) u32);

/// What stands in a taken place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Opening,
    Idle,
    Leased(Borrower),
    Cleaning,
    Closing(Ending),
}

/// Who has a session, since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Borrower {
    pub(crate) site: &'static Location<'static>,
    pub(crate) task: Option<tokio::task::Id>,
    pub(crate) since: Instant,
}

/// Why a session is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Unused for `idle_timeout`.
    Expired,
    /// Beyond `max_idle` when it came back.
    Surplus,
    /// Its own condition said so.
    Broken,
    /// It could not be made fit for the next borrower.
    Unclean,
    /// The pool was closed, or its last handle dropped.
    PoolClosed,
    /// The runtime it lived on is gone.
    RuntimeLost,
}

impl Ending {
    pub(crate) fn count(self, closed: &mut Closed) {
        *match self {
            Self::Expired => &mut closed.expired,
            Self::Surplus => &mut closed.surplus,
            Self::Broken => &mut closed.broken,
            Self::Unclean => &mut closed.unclean,
            Self::PoolClosed => &mut closed.pool_closed,
            Self::RuntimeLost => &mut closed.runtime_lost,
        } += 1;
    }
}

#[derive(Debug)]
struct Place {
    session: u64,
    home: Home,
    stage: Stage,
}

#[derive(Debug)]
enum Slot {
    Free { next: Option<u32> },
    Taken(Place),
}

/// How many places stand in each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) opening: usize,
    pub(crate) idle: usize,
    pub(crate) leased: usize,
    pub(crate) cleaning: usize,
    pub(crate) closing: usize,
}

impl Tally {
    fn of(&mut self, stage: &Stage) -> &mut usize {
        match stage {
            Stage::Opening => &mut self.opening,
            Stage::Idle => &mut self.idle,
            Stage::Leased(_) => &mut self.leased,
            Stage::Cleaning => &mut self.cleaning,
            Stage::Closing(_) => &mut self.closing,
        }
    }

    pub(crate) const fn taken(&self) -> usize {
        self.opening + self.idle + self.leased + self.cleaning + self.closing
    }
}

/// All places. The tally is kept here and nowhere else: every change of a stage
/// goes through [`take`](Self::take), [`move_to`](Self::move_to) or
/// [`free`](Self::free).
#[derive(Debug)]
pub(crate) struct Places {
    slots: Vec<Slot>,
    first_free: Option<u32>,
    tally: Tally,
    sessions: u64,
}

impl Places {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            first_free: None,
            tally: Tally { opening: 0, idle: 0, leased: 0, cleaning: 0, closing: 0 },
            sessions: 0,
        }
    }

    /// Takes a free place for a session about to be opened.
    pub(crate) fn take(&mut self, home: Home) -> PlaceId {
        self.sessions += 1;
        let place = Slot::Taken(Place { session: self.sessions, home, stage: Stage::Opening });
        self.tally.opening += 1;
        if let Some(index) = self.first_free {
            let slot = &mut self.slots[index as usize];
            if let Slot::Free { next } = *slot {
                self.first_free = next;
            }
            *slot = place;
            return PlaceId(index);
        }
        self.slots.push(place);
        PlaceId((self.slots.len() - 1) as u32)
    }

    #[inline]
    pub(crate) fn move_to(&mut self, id: PlaceId, stage: Stage) {
        *self.tally.of(&stage) += 1;
        let place = Self::taken_mut(&mut self.slots, id);
        *self.tally.of(&place.stage) -= 1;
        place.stage = stage;
    }

    /// Frees the place and tells what stood there last.
    pub(crate) fn free(&mut self, id: PlaceId) -> Stage {
        let stage = Self::taken_mut(&mut self.slots, id).stage;
        *self.tally.of(&stage) -= 1;
        self.slots[id.0 as usize] = Slot::Free { next: self.first_free };
        self.first_free = Some(id.0);
        stage
    }

    #[inline]
    pub(crate) fn home(&self, id: PlaceId) -> Home {
        match &self.slots[id.0 as usize] {
            Slot::Taken(place) => place.home,
            Slot::Free { .. } => unreachable!("a place is asked about only while it is taken"),
        }
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Everybody who has a session, as (session number, borrower).
    pub(crate) fn borrowers(&self) -> impl Iterator<Item = (u64, Borrower)> + '_ {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Taken(Place { session, stage: Stage::Leased(borrower), .. }) => {
                Some((*session, *borrower))
            }
            _ => None,
        })
    }

    fn taken_mut(slots: &mut [Slot], id: PlaceId) -> &mut Place {
        match &mut slots[id.0 as usize] {
            Slot::Taken(place) => place,
            Slot::Free { .. } => unreachable!("a place changes only while it is taken"),
        }
    }

    /// The tally counted anew, for tests that compare.
    #[cfg(test)]
    pub(crate) fn recount(&self) -> Tally {
        let mut tally = Tally::default();
        for slot in &self.slots {
            if let Slot::Taken(place) = slot {
                *tally.of(&place.stage) += 1;
            }
        }
        tally
    }
}
