/// A setting that cannot work, found by [`TentenBuilder::build`](crate::TentenBuilder::build).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The gateway's address; which is not repeated, as it may hold a password.
    #[error("gateway cannot be used: {why}")]
    #[non_exhaustive]
    Gateway {
        /// What is wrong with it.
        why: String,
    },
    /// A setting that has no default was not given.
    #[error("{setting} is missing: {why}")]
    #[non_exhaustive]
    Missing {
        /// The setter's name.
        setting: &'static str,
        /// Why it has to be given.
        why: &'static str,
    },
    /// A setting does not fit the others.
    #[error("{setting} cannot be used: {why}")]
    #[non_exhaustive]
    Unfit {
        /// The setter's name.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file or folder cannot be used.
    #[error("{setting} cannot be opened")]
    #[non_exhaustive]
    File {
        /// The setter's name.
        setting: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// No thread or client could be started.
    #[error(transparent)]
    Start(#[from] crate::Error),
}
