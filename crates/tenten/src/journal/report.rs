use std::fmt;
use std::path::PathBuf;

/// What a process found in the lease journals of others at its start, and did about it:
/// [`Tenten::journal_report`](crate::Tenten::journal_report).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalReport {
    /// IDs that dead processes certainly held, and that are back now.
    pub released: Vec<String>,
    /// Those whose fate nobody knows. Nothing was done about them; they come back by the
    /// gateway's own limits, and are not reported again.
    pub in_doubt: Vec<Orphan>,
    /// Those that the gateway would not take back now. The next start tries again.
    pub kept: Vec<String>,
    /// Journals that cannot be read. They are left for you to look at.
    pub unreadable: Vec<PathBuf>,
    /// Journals of processes that live, or that are on another host. Not touched.
    pub living: usize,
}

/// A taken ID that its process left behind, with something unknown about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphan {
    /// The pool member, where the process came to know it.
    pub user: Option<String>,
    /// What is unknown.
    pub why: &'static str,
}

impl JournalReport {
    /// True if nothing was left behind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { released, in_doubt, kept, unreadable, living: _ } = self;
        released.is_empty() && in_doubt.is_empty() && kept.is_empty() && unreadable.is_empty()
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.user.as_deref().unwrap_or("an unknown ID"), self.why)
    }
}

/// One line: `released: c_1; in doubt: c_2 (it was being given back)`.
impl fmt::Display for JournalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubts: Vec<String> = self.in_doubt.iter().map(ToString::to_string).collect();
        let paths: Vec<String> =
            self.unreadable.iter().map(|path| path.display().to_string()).collect();
        let mut between = "";
        for (what, which) in [
            ("released", &self.released),
            ("in doubt", &doubts),
            ("kept", &self.kept),
            ("unreadable", &paths),
        ] {
            if !which.is_empty() {
                write!(f, "{between}{what}: {}", which.join(", "))?;
                between = "; ";
            }
        }
        if between.is_empty() { f.write_str("nothing left behind") } else { Ok(()) }
    }
}
