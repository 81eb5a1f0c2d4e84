//! Taking an ID and logging in with it; on the desk, where nobody cancels it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::account::Account;
use super::held::Held;
use crate::office::Office;
use crate::secret::Secret;
use crate::wire::{Ticket, login, sam};
use crate::{LoginType, Result};

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
    let mut held = take_id(&office, &account, &password).await?;
    match log_in(&office, &account, &mut held.1, &held.0, &password, kind).await {
        Ok(ticket) => Ok((ticket, held.1)),
        Err(error) => {
            // What became of it stands in the report.
            let _ = timeout(GOING_BACK, held.1.give_back()).await;
            Err(error)
        }
    }
}

struct Taken(TakenId, Held);

struct TakenId {
    uid: Arc<str>,
    number: super::book::Number,
}

async fn take_id(office: &Arc<Office>, account: &Arc<Account>, password: &Secret) -> Result<Taken> {
    let number = account.intend()?;
    match sam::take(&office.client, &account.group, password).await {
        Ok(uid) => {
            account.leased(number, &uid)?;
            let held = Held::new(office, account, number, Arc::clone(&uid), password.clone());
            Ok(Taken(TakenId { uid, number }, held))
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

async fn log_in(
    office: &Office,
    account: &Account,
    held: &mut Held,
    id: &TakenId,
    password: &Secret,
    kind: LoginType,
) -> Result<Ticket> {
    let attempt = || login::login(&office.client, &id.uid, password, kind);
    let ticket = match attempt().await {
        // Possessing what a lost answer left running is safe, and how one gets hold of it.
        Err(error) if !error.changed_nothing() && kind == LoginType::Possess => attempt().await?,
        answer => answer?,
    };
    held.opened(&ticket);
    account.open(id.number)?;
    Ok(ticket)
}
