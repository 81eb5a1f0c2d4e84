//! The places of a pool: `max_size` of them, each free or with one session on its
//! way through life.

use std::panic::Location;
use std::time::Duration;

use slab::Slab;
use tokio::time::Instant;

use super::classes::ClassId;
use crate::event::Ending;

/// Which place; an index that stays the same while the place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceId(u32);

impl PlaceId {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

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
    Checking,
    Cleaning,
    Closing(Ending),
}

/// Who has a session, since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Borrower {
    pub(crate) site: &'static Location<'static>,
    pub(crate) task: Option<tokio::task::Id>,
    pub(crate) class: Option<ClassId>,
    pub(crate) since: Instant,
}

/// A session that is lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loan {
    pub(crate) session: u64,
    pub(crate) borrower: Borrower,
}

#[derive(Debug)]
struct Place {
    /// The session's number; the opening's while it is being opened.
    number: u64,
    opened: Instant,
    /// When it is old; `None` is never.
    expires: Option<Instant>,
    /// How often it was lent.
    uses: u32,
    /// Its lease has been told to be one of those that last too long.
    told_overdue: bool,
    home: Home,
    generation: u64,
    stage: Stage,
    /// Being opened or checked, and to be lent after that.
    serves: bool,
}

impl Place {
    #[inline]
    const fn loan(&self) -> Option<Loan> {
        match self.stage {
            Stage::Leased(borrower) => Some(Loan { session: self.number, borrower }),
            _ => None,
        }
    }

    #[inline]
    fn is_used_up(&self, max_uses: Option<u64>) -> bool {
        max_uses.is_some_and(|most| u64::from(self.uses) >= most)
    }
}

/// How many places stand in each stage, but for idle ones: the idle stack knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) opening: usize,
    pub(crate) leased: usize,
    pub(crate) checking: usize,
    pub(crate) cleaning: usize,
    pub(crate) closing: usize,
    /// Of those being opened, how many will serve somebody.
    pub(crate) serving_openings: usize,
    /// And of those being checked.
    pub(crate) serving_checks: usize,
}

impl Tally {
    /// How many more will be there for those who wait.
    pub(crate) const fn serving(&self) -> usize {
        self.serving_openings + self.serving_checks
    }

    fn of(&mut self, stage: &Stage) -> Option<&mut usize> {
        match stage {
            Stage::Opening => Some(&mut self.opening),
            Stage::Idle => None,
            Stage::Leased(_) => Some(&mut self.leased),
            Stage::Checking => Some(&mut self.checking),
            Stage::Cleaning => Some(&mut self.cleaning),
            Stage::Closing(_) => Some(&mut self.closing),
        }
    }

    fn serving_in(&mut self, stage: &Stage) -> &mut usize {
        match stage {
            Stage::Checking => &mut self.serving_checks,
            _ => &mut self.serving_openings,
        }
    }

    fn enter(&mut self, stage: &Stage, serves: bool) {
        if let Some(count) = self.of(stage) {
            *count += 1;
        }
        if serves {
            *self.serving_in(stage) += 1;
        }
    }

    fn leave(&mut self, stage: &Stage, served: bool) {
        if let Some(count) = self.of(stage) {
            *count -= 1;
        }
        if served {
            *self.serving_in(stage) -= 1;
        }
    }
}

/// All taken places. The tally is kept here and nowhere else: every change of a
/// stage goes through [`take`](Self::take), [`move_to`](Self::move_to) or
/// [`free`](Self::free).
#[derive(Debug)]
pub(crate) struct Places {
    taken: Slab<Place>,
    tally: Tally,
    /// Openings begun so far.
    openings: u64,
    /// Sessions opened so far.
    sessions: u64,
    /// Raised whenever all sessions there are become suspect.
    generation: u64,
}

impl Places {
    pub(crate) const fn new() -> Self {
        let tally = Tally {
            opening: 0,
            leased: 0,
            checking: 0,
            cleaning: 0,
            closing: 0,
            serving_openings: 0,
            serving_checks: 0,
        };
        Self { taken: Slab::new(), tally, openings: 0, sessions: 0, generation: 0 }
    }

    /// Takes a free place for a session about to be opened.
    pub(crate) fn take(&mut self, now: Instant, home: Home) -> PlaceId {
        self.tally.enter(&Stage::Opening, true);
        let generation = self.generation;
        self.openings += 1;
        let place = Place {
            number: self.openings,
            opened: now,
            expires: None,
            uses: 0,
            told_overdue: false,
            home,
            generation,
            stage: Stage::Opening,
            serves: true,
        };
        PlaceId(self.taken.insert(place) as u32)
    }

    /// Gives the session just opened its number, and its time.
    pub(crate) fn opened(&mut self, now: Instant, id: PlaceId, lifetime: Option<Duration>) {
        self.sessions += 1;
        let place = &mut self.taken[id.index()];
        place.number = self.sessions;
        place.opened = now;
        place.expires = lifetime.and_then(|lifetime| now.checked_add(lifetime));
    }

    /// When the session is old.
    pub(crate) fn expires(&self, id: PlaceId) -> Option<Instant> {
        self.taken[id.index()].expires
    }

    /// True if it is old, or has been lent often enough.
    #[inline]
    pub(crate) fn is_worn(&self, now: Instant, id: PlaceId, max_uses: Option<u64>) -> bool {
        let place = &self.taken[id.index()];
        place.expires.is_some_and(|at| at <= now) || place.is_used_up(max_uses)
    }

    /// True if it has been lent often enough.
    pub(crate) fn is_used_up(&self, id: PlaceId, max_uses: Option<u64>) -> bool {
        self.taken[id.index()].is_used_up(max_uses)
    }

    /// Why what stands there is not to be lent again.
    #[inline]
    pub(crate) fn unfit(&self, now: Instant, id: PlaceId, max_uses: Option<u64>) -> Option<Ending> {
        let place = &self.taken[id.index()];
        if place.generation < self.generation {
            return Some(Ending::Stale);
        }
        self.is_worn(now, id, max_uses).then_some(Ending::Worn)
    }

    /// Lends what stands there.
    #[inline]
    pub(crate) fn lend(&mut self, id: PlaceId, borrower: Borrower) {
        self.move_to(id, Stage::Leased(borrower));
        let place = &mut self.taken[id.index()];
        place.uses = place.uses.saturating_add(1);
        place.told_overdue = false;
    }

    /// The session's number; the opening's while it is being opened.
    #[inline]
    pub(crate) fn number(&self, id: PlaceId) -> u64 {
        self.taken[id.index()].number
    }

    /// Since when the session is open, or being opened.
    pub(crate) fn opened_at(&self, id: PlaceId) -> Instant {
        self.taken[id.index()].opened
    }

    #[inline]
    pub(crate) fn move_to(&mut self, id: PlaceId, stage: Stage) {
        self.enter(id, stage, false);
    }

    /// Has the session checked, for somebody who waits or to keep it alive.
    pub(crate) fn check(&mut self, id: PlaceId, serves: bool) {
        self.enter(id, Stage::Checking, serves);
    }

    #[inline]
    fn enter(&mut self, id: PlaceId, stage: Stage, serves: bool) {
        self.tally.enter(&stage, serves);
        let place = &mut self.taken[id.index()];
        self.tally.leave(&place.stage, place.serves);
        place.stage = stage;
        place.serves = serves;
    }

    /// Frees the place and tells what stood there last.
    pub(crate) fn free(&mut self, id: PlaceId) -> Stage {
        let Place { stage, serves, .. } = self.taken.remove(id.index());
        self.tally.leave(&stage, serves);
        stage
    }

    #[inline]
    pub(crate) fn home(&self, id: PlaceId) -> Home {
        self.taken[id.index()].home
    }

    /// How many openings have begun.
    pub(crate) const fn openings(&self) -> u64 {
        self.openings
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Makes every session there is a suspect one; none will serve anybody.
    pub(crate) fn next_generation(&mut self) {
        self.generation += 1;
        self.tally.serving_openings = 0;
        self.tally.serving_checks = 0;
        self.taken.iter_mut().for_each(|(_, place)| place.serves = false);
    }

    /// True if it became suspect since its opening began.
    #[inline]
    pub(crate) fn is_stale(&self, id: PlaceId) -> bool {
        self.taken[id.index()].generation < self.generation
    }

    /// True if any session there is has not become suspect.
    pub(crate) fn has_fresh_sessions(&self) -> bool {
        let is_fresh = |place: &Place| {
            place.generation == self.generation && !matches!(place.stage, Stage::Opening)
        };
        self.taken.iter().any(|(_, place)| is_fresh(place))
    }

    /// How many are taken, in whatever stage.
    pub(crate) fn taken(&self) -> usize {
        self.taken.len()
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Who has which session, if it is lent.
    #[inline]
    pub(crate) fn loan(&self, id: PlaceId) -> Option<Loan> {
        self.taken[id.index()].loan()
    }

    pub(crate) fn stage(&self, id: PlaceId) -> &Stage {
        &self.taken[id.index()].stage
    }

    /// Who has had a session for so long, each told once.
    pub(crate) fn overdue_leases(&mut self, now: Instant, limit: Duration) -> Vec<Loan> {
        let mut overdue = Vec::new();
        for (_, place) in &mut self.taken {
            let Some(loan) = place.loan().filter(|_| !place.told_overdue) else { continue };
            if now.saturating_duration_since(loan.borrower.since) >= limit {
                place.told_overdue = true;
                overdue.push(loan);
            }
        }
        overdue
    }

    /// When the next lease has lasted for so long.
    pub(crate) fn next_overdue_lease(&self, limit: Duration) -> Option<Instant> {
        let untold = self.taken.iter().filter(|(_, place)| !place.told_overdue);
        let since = untold.filter_map(|(_, place)| Some(place.loan()?.borrower.since));
        since.min()?.checked_add(limit)
    }

    /// Everything that is lent.
    pub(crate) fn loans(&self) -> impl Iterator<Item = Loan> + '_ {
        self.taken.iter().filter_map(|(_, place)| place.loan())
    }

    /// How many are lent for work of that class, counted anew.
    #[cfg(all(test, any(sessionpool_loom, sessionpool_shuttle)))]
    pub(crate) fn leased_for(&self, class: ClassId) -> usize {
        self.loans().filter(|loan| loan.borrower.class == Some(class)).count()
    }

    /// Makes every session there is an old one.
    #[cfg(all(test, sessionpool_loom))]
    pub(crate) fn grow_old(&mut self, now: Instant) {
        self.taken.iter_mut().for_each(|(_, place)| place.expires = Some(now));
    }

    /// The tally counted anew, and the idle ones, for the models to compare.
    #[cfg(all(test, any(sessionpool_loom, sessionpool_shuttle)))]
    pub(crate) fn recount(&self) -> (Tally, usize) {
        let mut tally = Tally::default();
        self.taken.iter().for_each(|(_, place)| tally.enter(&place.stage, place.serves));
        let idle = self.taken.iter().filter(|(_, place)| matches!(place.stage, Stage::Idle));
        (tally, idle.count())
    }
}
