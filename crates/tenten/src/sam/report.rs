use std::fmt;

use super::book::{Book, Entry, Step};

/// What a process did with the IDs of a SAM group, and what it does not know:
/// [`Tenten::sam_report`](crate::Tenten::sam_report).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamReport {
    /// IDs taken.
    pub taken: u64,
    /// IDs given back, by the gateway's own word.
    pub given_back: u64,
    /// The pool members held now, also those
    /// [kept for a lost login](crate::TentenBuilder::lifecycle_timeout).
    pub held: Vec<String>,
    /// Those being taken or given back now.
    pub under_way: usize,
    /// Those whose fate the gateway's lost answers leave open. Nothing is done about
    /// them: they come back by the gateway's own limits. The newest thousand.
    pub in_doubt: Vec<Doubt>,
    /// Those the gateway would not take back, which stay taken until its own limits
    /// free them and it hands them out again, or the next start of a process with a lease
    /// journal gives them back.
    pub stuck: Vec<String>,
    /// How often the gateway handed out an ID that was in use here.
    pub duplicates: u64,
}

/// An ID whose fate is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// The answer to `getuid` was lost: some ID may be taken, and nobody knows which.
    Taken,
    /// The answer to `reluid` was lost: this one may be back, or not.
    GivenBack {
        /// The pool member.
        uid: String,
    },
}

impl SamReport {
    pub(crate) fn of(book: &Book) -> Self {
        let tally = book.tally();
        let mut report = Self {
            taken: tally.taken,
            given_back: tally.given_back,
            duplicates: tally.duplicates,
            ..Self::default()
        };
        for (_, entry) in book.entries() {
            report.add(entry);
        }
        report
    }

    fn add(&mut self, entry: &Entry) {
        let uid = || entry.uid.as_deref().unwrap_or_default().to_owned();
        match entry.step {
            _ if entry.stuck => self.stuck.push(uid()),
            Step::Intent if entry.in_doubt => self.in_doubt.push(Doubt::Taken),
            Step::Releasing if entry.in_doubt => {
                self.in_doubt.push(Doubt::GivenBack { uid: uid() });
            }
            Step::Intent | Step::Releasing => self.under_way += 1,
            Step::Leased | Step::Open => self.held.push(uid()),
        }
    }

    /// True if every ID taken is known to be back.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.held.is_empty()
            && self.under_way == 0
            && self.in_doubt.is_empty()
            && self.stuck.is_empty()
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("an unknown ID may be taken"),
            Self::GivenBack { uid } => write!(f, "{uid} may not be back"),
        }
    }
}

/// One line: `12 IDs taken, 11 given back; held: c_3`.
impl fmt::Display for SamReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} IDs taken, {} given back", self.taken, self.given_back)?;
        if self.under_way > 0 {
            write!(f, "; {} under way", self.under_way)?;
        }
        let doubts: Vec<String> = self.in_doubt.iter().map(ToString::to_string).collect();
        for (what, which) in [("held", &self.held), ("in doubt", &doubts), ("stuck", &self.stuck)] {
            if !which.is_empty() {
                write!(f, "; {what}: {}", which.join(", "))?;
            }
        }
        Ok(())
    }
}
