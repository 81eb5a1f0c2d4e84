use crate::Result;
use crate::client::Client;
use crate::desk::Desk;
use crate::password::Password;
use crate::secret::Secret;
use std::time::Duration;

/// What a backend works with at the desk, and what outlives it there.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) desk: Desk,
    /// With connections of the desk's own: those of a runtime end with it.
    pub(crate) client: Client,
    pub(crate) source: Password,
    pub(crate) patience: Duration,
    /// How long the gateway keeps an ID for whoever took it when it has no session.
    pub(crate) reservation: Duration,
}

impl Office {
    /// The clear password that counts now.
    pub(crate) async fn password(&self, user: &str) -> Result<Secret> {
        self.source.get(user, self.patience).await
    }
}
