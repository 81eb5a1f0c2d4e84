//! Taking an ID and logging in with it; on the desk, where nobody cancels it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::account::Account;
use super::book::Alive;
use super::held::Held;
use crate::journal::uptime;
use crate::office::Office;
use crate::secret::Secret;
use crate::wire::{Ticket, sam};
use crate::{Error, LoginType, Result};

/// How long a failed login waits for its ID to be back; it goes back in any case.
const GOING_BACK: Duration = Duration::from_secs(5);

/// Takes an ID and opens a session on it. When that fails nothing is held any more, or
/// is on its way back, or stands in the report.
pub(crate) async fn take(
    office: Arc<Office>,
    account: Arc<Account>,
    password: Secret,
    kind: LoginType,
) -> Result<(Ticket, Held)> {
    account.recover(&office, &password).await?;
    let mut held = match account.take_kept(Held::is_ours) {
        Some(held) => held,
        None => take_id(&office, &account, &password).await?,
    };
    match held.log_in(&office.client, &password, kind).await {
        Ok(ticket) => Ok((ticket, held)),
        Err(error) => {
            held.part(GOING_BACK).await;
            Err(error)
        }
    }
}

async fn take_id(office: &Arc<Office>, account: &Arc<Account>, password: &Secret) -> Result<Held> {
    let number = account.intend()?;
    match sam::take(&office.client, &account.group, password).await {
        Ok(uid) => {
            let alive = Alive::default();
            alive.seen(uptime());
            let leased = account.leased(number, &uid, &alive, office.reservation);
            if let Err(error @ Error::Duplicate { .. }) = leased {
                return Err(error);
            }
            let held = Held::new(office, account, number, uid.clone(), password.clone(), alive);
            if let Err(error) = leased {
                // What cannot be written down is not kept.
                let _ = timeout(GOING_BACK, held.give_back()).await;
                return Err(error);
            }
            Ok(held)
        }
        Err(error) if error.changed_nothing() => {
            account.not_taken(number);
            Err(error)
        }
        Err(error) => {
            account.in_doubt(number, None, &error);
            Err(error)
        }
    }
}
