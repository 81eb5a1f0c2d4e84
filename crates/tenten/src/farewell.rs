use std::sync::Arc;

use crate::Result;
use crate::office::Office;
use crate::sam::Held;
use crate::wire::{Ticket, login};

/// How a session ends at the gateway, once.
///
/// | opened as | ends with |
/// |---|---|
/// | single user, possess | nothing: the platform's session runs on |
/// | single user, kill or no-kill | `logout` |
/// | SAM pool, however | `reluid`, and never a `logout` after it |
#[derive(Debug)]
pub(crate) enum Farewell {
    /// There is nothing to do.
    Leave,
    /// The platform's session is ended.
    LogOut(LogOut),
    /// The ID goes back to its group.
    GiveBack(Held),
}

/// A platform session of our own, to be ended at the latest when this is dropped.
#[derive(Debug)]
pub(crate) struct LogOut(Option<(Arc<Office>, Ticket)>);

impl Farewell {
    pub(crate) const fn log_out(office: Arc<Office>, ticket: Ticket) -> Self {
        Self::LogOut(LogOut(Some((office, ticket))))
    }

    /// The gateway took the session for ours.
    pub(crate) fn alive(&self) {
        if let Self::GiveBack(held) = self {
            held.alive();
        }
    }

    /// The platform's session is known to be gone.
    pub(crate) fn lost_session(&mut self) {
        match self {
            Self::Leave => {}
            Self::LogOut(log_out) => drop(log_out.0.take()),
            Self::GiveBack(held) => held.lost_session(),
        }
    }

    /// Does it, and tells what the gateway said.
    ///
    /// # Cancel safety
    ///
    /// It is done all the same.
    pub(crate) async fn say(self) -> Result<()> {
        match self {
            Self::Leave => Ok(()),
            Self::LogOut(mut log_out) => match log_out.0.take() {
                Some((office, ticket)) => office.desk.clone().run(end(office, ticket)).await,
                None => Ok(()),
            },
            Self::GiveBack(held) => held.give_back().await,
        }
    }
}

async fn end(office: Arc<Office>, ticket: Ticket) -> Result<()> {
    match login::logout(&office.client, &ticket).await {
        // Gone is what it was to be.
        Err(error) if error.session_lost() => Ok(()),
        answer => answer,
    }
}

impl Drop for LogOut {
    fn drop(&mut self) {
        if let Some((office, ticket)) = self.0.take() {
            office.desk.clone().leave(async { drop(end(office, ticket).await) });
        }
    }
}
