//! Taking an ID and logging in with it; on the desk, where nobody cancels it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::account::Account;
use super::book::{Alive, Number};
use super::held::Held;
use crate::journal::uptime;
use crate::office::Office;
use crate::secret::Secret;
use crate::wire::{Ticket, login, sam};
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
    let mut taken = take_id(&office, &account, &password).await?;
    match log_in(&office, &account, &mut taken, &password, kind).await {
        Ok(ticket) => Ok((ticket, taken.held)),
        Err(error) => {
            if taken.held.may_go_back() {
                // What became of it stands in the report.
                let _ = timeout(GOING_BACK, taken.held.give_back()).await;
            }
            Err(error)
        }
    }
}

struct Taken {
    uid: Arc<str>,
    number: Number,
    held: Held,
}

async fn take_id(office: &Arc<Office>, account: &Arc<Account>, password: &Secret) -> Result<Taken> {
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
            Ok(Taken { uid, number, held })
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
    taken: &mut Taken,
    password: &Secret,
    kind: LoginType,
) -> Result<Ticket> {
    let mut attempt = async || {
        let answer = login::login(&office.client, &taken.uid, password, kind).await;
        if answer.as_ref().is_err_and(Error::may_come_late) {
            taken.held.expect_late_login();
        }
        answer
    };
    let ticket = match attempt().await {
        // Possessing what a lost answer left running is safe, and how one gets hold of it.
        Err(error) if error.lost_answer() && kind == LoginType::Possess => attempt().await?,
        answer => answer?,
    };
    taken.held.opened(&ticket);
    account.open(taken.number)?;
    Ok(ticket)
}
