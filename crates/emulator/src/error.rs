/// Why an emulator cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A group is there twice.
    #[error("there are two groups {0:?}")]
    DuplicateGroup(String),
    /// An ID is in two groups, or in one twice.
    #[error("ID {0:?} is in a group already: an ID can be in one group only, and once")]
    DuplicateMember(String),
    /// A group has no ID.
    #[error("group {0:?} has no ID to hand out")]
    EmptyGroup(String),
}
