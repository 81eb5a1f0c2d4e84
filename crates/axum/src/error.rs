use std::panic::Location;

use sessionpool_core::TxError;

/// Why a request's unit was not to be had.
///
/// It becomes an answer by itself: [`Problem`](crate::Problem) is made from it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// The unit itself failed.
    #[error(transparent)]
    Tx(#[from] TxError),

    /// Somebody else in the same request is using it: a session is one conversation.
    /// Use it one after the other.
    #[error("the request's unit is in use since {since}, and was asked for at {site}")]
    #[non_exhaustive]
    InUse {
        /// Where it was asked for.
        site: &'static Location<'static>,
        /// Where it is in use.
        since: &'static Location<'static>,
    },

    /// The request it belonged to is over, and so is its unit; what was asked for at
    /// `site` was not done.
    #[error("the request's unit has ended, and was asked for at {site}")]
    #[non_exhaustive]
    Ended {
        /// Where it was asked for.
        site: &'static Location<'static>,
    },
}
