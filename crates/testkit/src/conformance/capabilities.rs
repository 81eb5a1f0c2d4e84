use super::Harness;

/// What a backend can do beyond opening, lending and ending sessions, and what a
/// harness can see of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// [`CountsSessions`](super::CountsSessions).
    pub counts_sessions: bool,
    /// [`RefusesLogins`](super::RefusesLogins).
    pub refuses_logins: bool,
    /// [`ResetsState`](super::ResetsState).
    pub resets_state: bool,
    /// [`SeversSessions`](super::SeversSessions).
    pub severs_sessions: bool,
    /// [`Transactions`](super::Transactions).
    pub transactions: bool,
    /// [`DoomsCommits`](super::DoomsCommits).
    pub dooms_commits: bool,
    /// [`LosesAcks`](super::LosesAcks).
    pub loses_acks: bool,
}

impl Capabilities {
    /// Nothing beyond the least.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds [`CountsSessions`](super::CountsSessions).
    #[must_use]
    pub const fn counts_sessions(mut self) -> Self {
        self.counts_sessions = true;
        self
    }

    /// Adds [`RefusesLogins`](super::RefusesLogins).
    #[must_use]
    pub const fn refuses_logins(mut self) -> Self {
        self.refuses_logins = true;
        self
    }

    /// Adds [`ResetsState`](super::ResetsState).
    #[must_use]
    pub const fn resets_state(mut self) -> Self {
        self.resets_state = true;
        self
    }

    /// Adds [`SeversSessions`](super::SeversSessions).
    #[must_use]
    pub const fn severs_sessions(mut self) -> Self {
        self.severs_sessions = true;
        self
    }

    /// Adds [`Transactions`](super::Transactions).
    #[must_use]
    pub const fn transactions(mut self) -> Self {
        self.transactions = true;
        self
    }

    /// Adds [`DoomsCommits`](super::DoomsCommits).
    #[must_use]
    pub const fn dooms_commits(mut self) -> Self {
        self.dooms_commits = true;
        self
    }

    /// Adds [`LosesAcks`](super::LosesAcks).
    #[must_use]
    pub const fn loses_acks(mut self) -> Self {
        self.loses_acks = true;
        self
    }
}

/// What the harness declares is what the suite was told to prove.
pub fn every_capability_is_proven(harness: &impl Harness, proven: Capabilities) {
    let declared = harness.capabilities();
    assert_eq!(declared, proven, "every capability is proven: declared, and listed in the suite");
}
