use sessionpool_core::{Condition, Fault};

use crate::error::Phase;
use crate::{Error, Result};

/// What a session knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Between two requests.
    Settled,
    /// A request was begun and its answer not read to the end.
    Unsettled,
    /// The gateway said that it is gone, or did not answer in time.
    Lost,
}

impl Mark {
    pub(crate) const fn condition(self) -> Condition {
        match self {
            Self::Settled => Condition::Clean,
            Self::Unsettled => Condition::Busy,
            Self::Lost => Condition::Broken(Fault::SessionLost),
        }
    }

    /// What an answer says about the session that it came from.
    pub(crate) fn after<T>(answer: &Result<T>) -> Self {
        match answer {
            Ok(_) => Self::Settled,
            Err(Error::SessionLost(_)) => Self::Lost,
            // The query may be running still, for as long as it likes.
            Err(Error::TimedOut(late)) if !matches!(late.phase, Phase::Connecting) => Self::Lost,
            Err(error) if error.changed_nothing() => Self::Settled,
            Err(_) => Self::Unsettled,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::TimedOut;

    #[test]
    fn what_was_not_sent_leaves_nothing_under_way() {
        for (phase, mark) in [
            (Phase::Connecting, Mark::Settled),
            (Phase::FirstByte, Mark::Lost),
            (Phase::Reading, Mark::Lost),
            (Phase::Total, Mark::Lost),
        ] {
            let late = TimedOut { api: "query", phase, limit: Duration::from_secs(1) };
            assert_eq!(Mark::after::<()>(&Err(Error::TimedOut(late))), mark, "{phase:?}");
        }
        let nobody = Error::Connect { api: "query", source: "nobody there".into() };
        assert_eq!(Mark::after::<()>(&Err(nobody)), Mark::Settled);
    }
}
