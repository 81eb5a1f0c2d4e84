use crate::protocol::{Refusal, rc};

/// What `kill` says at login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// Ends a session that is there; also when nothing is said.
    Yes,
    /// Leaves it, and fails.
    No,
    /// Joins it.
    Possess,
    /// Tests the password only.
    Auth,
}

impl Kill {
    pub(crate) fn read(kill: Option<&str>) -> Result<Self, Refusal> {
        match kill {
            None | Some("" | "yes") => Ok(Self::Yes),
            Some("no") => Ok(Self::No),
            Some("possess") => Ok(Self::Possess),
            Some("auth") => Ok(Self::Auth),
            Some(_) => Err(Refusal::fixed(
                rc::INVALID_VALUE,
                "Invalid value of kill: yes, no, possess or auth",
            )),
        }
    }
}
