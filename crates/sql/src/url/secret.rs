use secrecy::{ExposeSecret, SecretString};

/// A password: wiped from memory when it goes, and nothing prints it.
#[derive(Clone)]
pub(super) struct Secret(SecretString);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}
