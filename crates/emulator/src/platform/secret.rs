use std::fmt;

/// What lets somebody in: a clear password, or a session's password or sid. Printing
/// one shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(secret: &str) -> Self {
        Self(secret.to_owned())
    }

    /// As it goes into an answer.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, given: Option<&str>) -> bool {
        given == Some(self.0.as_str())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
