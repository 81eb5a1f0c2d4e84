use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// A password or a session's number: prints as `***`, and is wiped from memory when
/// the last copy goes.
#[derive(Clone)]
pub(crate) struct Secret(Arc<SecretString>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(SecretString::from(text.into())))
    }

    /// The text itself; for the wire.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
