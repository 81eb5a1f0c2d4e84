//! The books of a group's IDs in this process: each from the intent to take one to the
//! gateway's word that it is back. No clock, no await, no HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One taking of an ID, whichever it turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub(crate) u64);

/// How far a taking has come. Each is written down before it is done, so that whoever
/// reads it later knows the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// An ID is being asked for.
    Intent,
    /// It was answered; nobody is logged in yet.
    Leased,
    /// It is logged in.
    Open,
    /// It is being given back.
    Releasing,
}

/// What stands in the books about one taking.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) step: Step,
    pub(crate) uid: Option<Arc<str>>,
    /// The gateway's word was lost: whether the step was taken is unknown, and nothing
    /// more is done about it.
    pub(crate) in_doubt: bool,
    /// Giving it back was refused, for good.
    pub(crate) stuck: bool,
    pub(crate) alive: Alive,
}

impl Entry {
    const fn is_held(&self) -> bool {
        matches!(self.step, Step::Leased | Step::Open)
    }
}

/// When the gateway last showed an ID to be ours: that it does until a while after its
/// session is gone. In seconds of the machine's run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alive(Arc<AtomicU64>);

impl Alive {
    pub(crate) fn seen(&self, now: Duration) {
        self.0.store(now.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn at(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_secs(self.at()))
    }
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) taken: u64,
    pub(crate) given_back: u64,
    pub(crate) duplicates: u64,
    pub(crate) in_doubt: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    last: u64,
    entries: BTreeMap<Number, Entry>,
    tally: Tally,
}

/// The gateway handed out an ID that is held here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duplicate;

/// More doubts than anybody reads; the oldest are forgotten beyond it, and counted.
const MOST_DOUBTS: usize = 1000;

impl Book {
    /// An ID is about to be asked for.
    pub(crate) fn intend(&mut self) -> Number {
        self.last += 1;
        let alive = Alive::default();
        let entry = Entry { step: Step::Intent, uid: None, in_doubt: false, stuck: false, alive };
        self.entries.insert(Number(self.last), entry);
        Number(self.last)
    }

    /// None was handed out, certainly.
    pub(crate) fn not_taken(&mut self, number: Number) {
        self.entries.remove(&number);
    }

    /// One was handed out, just when it was seen alive. That it is means that an earlier
    /// doubt about it is over, that one on its way back is back, and that the gateway freed
    /// what it would not take back, or what was not used for as long as it keeps an ID. But
    /// one that is held here is not lent a second time.
    pub(crate) fn leased(
        &mut self,
        number: Number,
        uid: &Arc<str>,
        alive: &Alive,
        reservation: Duration,
    ) -> Result<(), Duplicate> {
        let now = Duration::from_secs(alive.at());
        let expired = |entry: &Entry| entry.alive.age(now) >= reservation;
        let is_held = |entry: &Entry| entry.is_held() && !entry.stuck && !expired(entry);
        let same = |entry: &Entry| entry.uid.as_ref() == Some(uid);
        if self.entries.values().any(|entry| same(entry) && is_held(entry)) {
            self.entries.remove(&number);
            self.tally.duplicates += 1;
            return Err(Duplicate);
        }
        let back = |entry: &Entry| entry.step == Step::Releasing && !entry.in_doubt;
        for entry in self.entries.values().filter(|entry| same(entry)) {
            self.tally.given_back += u64::from(back(entry));
        }
        self.entries.retain(|_, entry| !same(entry));
        if let Some(entry) = self.entries.get_mut(&number) {
            (entry.step, entry.uid) = (Step::Leased, Some(Arc::clone(uid)));
            entry.alive = alive.clone();
            self.tally.taken += 1;
        }
        Ok(())
    }

    /// It is logged in.
    pub(crate) fn open(&mut self, number: Number) {
        if let Some(entry) = self.held(number) {
            entry.step = Step::Open;
        }
    }

    /// It is about to be given back. False if that is not ours to do (any more): a
    /// release under way, or one whose outcome is unknown, is never repeated, and an ID
    /// that was taken again since belongs to that taking.
    #[must_use]
    pub(crate) fn releasing(&mut self, number: Number) -> bool {
        match self.held(number) {
            Some(entry) => {
                entry.step = Step::Releasing;
                true
            }
            None => false,
        }
    }

    /// The gateway said that it is back.
    pub(crate) fn released(&mut self, number: Number) {
        if self.entries.remove(&number).is_some() {
            self.tally.given_back += 1;
        }
    }

    /// The gateway certainly did not take it back: it may be asked again.
    pub(crate) fn not_released(&mut self, number: Number) {
        if let Some(entry) = self.entries.get_mut(&number)
            && entry.step == Step::Releasing
            && !entry.in_doubt
        {
            entry.step = Step::Open;
        }
    }

    /// It will not be asked again in this process.
    pub(crate) fn stuck(&mut self, number: Number) {
        self.not_released(number);
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.stuck = true;
        }
    }

    /// The gateway's answer to the present step was lost; or one that is held may be
    /// somebody else's by now.
    pub(crate) fn in_doubt(&mut self, number: Number) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        entry.in_doubt = true;
        if entry.is_held() {
            entry.step = Step::Releasing;
        }
        self.tally.in_doubt += 1;
        let doubts = |book: &Self| book.entries.values().filter(|entry| entry.in_doubt).count();
        if doubts(self) > MOST_DOUBTS {
            let oldest = self.entries.iter().find(|(_, entry)| entry.in_doubt);
            if let Some(number) = oldest.map(|(number, _)| *number) {
                self.entries.remove(&number);
            }
        }
    }

    /// True while the ID of that taking is ours and not on its way back.
    pub(crate) fn holds(&mut self, number: Number) -> bool {
        self.held(number).is_some()
    }

    /// The takings of IDs that there are now.
    pub(crate) fn known(&self) -> Vec<Number> {
        let known = self.entries.iter().filter(|(_, entry)| entry.uid.is_some());
        known.map(|(number, _)| *number).collect()
    }

    /// The gateway said that all IDs are free, those of these takings among them.
    pub(crate) fn reset(&mut self, known: &[Number]) {
        for number in known {
            self.released(*number);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (Number, &Entry)> {
        self.entries.iter().map(|(number, entry)| (*number, entry))
    }

    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// The entry of an ID that is ours and not on its way back.
    fn held(&mut self, number: Number) -> Option<&mut Entry> {
        self.entries.get_mut(&number).filter(|entry| entry.is_held() && !entry.in_doubt)
    }
}

#[cfg(test)]
mod tests;
