use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Call;
use crate::gateway::Gateway;
use crate::platform::Session;
use crate::protocol::Refusal;

/// A request inside a session: from its arrival until its answer has gone out or
/// its connection is gone. The session is not idle meanwhile, and serves nobody
/// else from the moment it is this one's turn.
#[derive(Debug)]
pub(crate) struct Entry {
    gateway: Arc<Gateway>,
    pub(super) uid: String,
    pub(super) session: Arc<Session>,
    turn: Option<OwnedSemaphorePermit>,
}

impl Entry {
    /// Checks the credentials, and waits until the requests before it are done.
    pub(super) async fn take(gateway: &Arc<Gateway>, call: &Call) -> Result<Self, Refusal> {
        let visit = gateway.visit(&call.caller);
        let session = gateway.platform().enter(&call.parameters, call.api, &visit)?;
        let uid = call.parameters.get("uid").unwrap_or_default().to_owned();
        let mut entry = Self { gateway: Arc::clone(gateway), uid, session, turn: None };
        entry.turn = Some(entry.session.turn().await?);
        Ok(entry)
    }

    /// Does `work`, unless the session ends before it is done.
    pub(super) async fn work<T>(
        &self,
        takes: Duration,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let work = async {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            work.await
        };
        tokio::select! {
            biased;
            () = self.session.ended() => Err(Refusal::not_logged_in()),
            done = work => done,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.turn = None; // before the session counts as idle
        let now = self.gateway.clock.now();
        self.gateway.platform().leave(&self.uid, &self.session, now);
        self.gateway.moved();
    }
}
