use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::account::Account;
use super::book::{Alive, Number};
use crate::client::Client;
use crate::journal::uptime;
use crate::office::Office;
use crate::secret::Secret;
use crate::wire::{Ticket, login, sam};
use crate::{Error, LoginType, Result, choices};

/// An ID that was taken, and the duty to give it back: done at the latest when this is
/// dropped, and never twice.
///
/// One that may not go back yet is kept by the account until it may, or somebody wants it.
#[derive(Debug)]
pub(crate) struct Held(Option<Duty>);

/// What it takes to give an ID back.
#[derive(Debug)]
struct Duty {
    office: Arc<Office>,
    account: Arc<Account>,
    number: Number,
    uid: Arc<str>,
    /// While a session lives, as far as is known.
    ticket: Option<Ticket>,
    password: Secret,
    asked_for_password: bool,
    alive: Alive,
    /// Not to go back before: a login that nobody answered may be on its way until then, and
    /// would meet whoever has the ID next.
    earliest: Option<Instant>,
}

/// What came of asking the gateway to take an ID back.
#[derive(Debug)]
enum Outcome {
    /// It is back, or was never ours to give.
    Back,
    /// It said no to the session's password; there is another one.
    Otherwise,
    /// It certainly is not back, and may be later.
    Again(Error),
    /// It certainly is not back, and asking again changes nothing.
    Refused(Error),
    /// Nobody knows.
    Unknown(Error),
}

/// How long whoever closes waits for a gateway that is busy or cannot be reached. It is
/// asked for as long as the ID is certainly ours.
const PATIENCE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// However long a request may take, an ID is not kept for its login's sake beyond that.
const LONGEST_KEPT: Duration = Duration::from_secs(15 * 60);

impl Held {
    pub(super) fn new(
        office: &Arc<Office>,
        account: &Arc<Account>,
        number: Number,
        uid: Arc<str>,
        password: Secret,
        alive: Alive,
    ) -> Self {
        Self(Some(Duty {
            office: Arc::clone(office),
            account: Arc::clone(account),
            number,
            uid,
            ticket: None,
            password,
            asked_for_password: false,
            alive,
            earliest: None,
        }))
    }

    /// Opens a session on it.
    pub(super) async fn log_in(
        &mut self,
        client: &Client,
        password: &Secret,
        kind: LoginType,
    ) -> Result<Ticket> {
        match &mut self.0 {
            Some(duty) => duty.log_in(client, password, kind).await,
            None => Err(Error::Unusable("its ID was given back")),
        }
    }

    /// True if it is that taking.
    pub(super) fn is(&self, number: Number) -> bool {
        self.0.as_ref().is_some_and(|duty| duty.number == number)
    }

    /// True while the gateway gives it to nobody else.
    pub(super) fn is_ours(&self) -> bool {
        self.0.as_ref().is_some_and(Duty::is_ours)
    }

    /// It is nobody's any more: there is nothing to be given back.
    pub(super) fn forget(mut self) {
        self.0 = None;
    }

    /// Opening a session on it failed: it goes back, now or as soon as it may. What comes of
    /// that stands in the report.
    pub(super) async fn part(mut self, patience: Duration) {
        match self.0.take() {
            Some(duty) if duty.may_go_back() => {
                let _ = timeout(patience, Self(Some(duty)).give_back()).await;
            }
            Some(duty) => duty.keep(),
            None => {}
        }
    }

    /// The gateway took it for ours.
    pub(crate) fn alive(&self) {
        if let Some(duty) = &self.0 {
            duty.alive.seen(uptime());
        }
    }

    /// Its session is gone.
    pub(crate) fn lost_session(&mut self) {
        if let Some(duty) = &mut self.0 {
            duty.ticket = None;
        }
    }

    /// Gives it back, and tells what the gateway said; one that may not go back yet is kept.
    ///
    /// # Cancel safety
    ///
    /// It is given back all the same.
    pub(crate) async fn give_back(mut self) -> Result<()> {
        match self.0.take() {
            Some(duty) if duty.may_go_back() => {
                duty.office.desk.clone().run(duty.discharge()).await
            }
            Some(duty) => {
                duty.keep_for_others();
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.0.take() {
            Some(duty) if duty.may_go_back() => {
                let desk = duty.office.desk.clone();
                desk.leave(async { drop(duty.discharge().await) });
            }
            Some(duty) => duty.keep_for_others(),
            None => {}
        }
    }
}

impl Duty {
    async fn log_in(
        &mut self,
        client: &Client,
        password: &Secret,
        kind: LoginType,
    ) -> Result<Ticket> {
        let ticket = match self.try_log_in(client, password, kind).await {
            // Possessing what a lost answer left running is safe, and how one gets hold of it.
            Err(error) if error.lost_answer() && kind == LoginType::Possess => {
                self.try_log_in(client, password, kind).await?
            }
            answer => answer?,
        };
        self.ticket = Some(ticket.clone());
        self.account.open(self.number)?;
        Ok(ticket)
    }

    async fn try_log_in(
        &mut self,
        client: &Client,
        password: &Secret,
        kind: LoginType,
    ) -> Result<Ticket> {
        let answer = login::login(client, &self.uid, password, kind).await;
        match &answer {
            Err(error) if error.may_come_late() => {
                self.earliest = Instant::now().checked_add(self.office.patience.min(LONGEST_KEPT));
            }
            // It has arrived: this is the session that it opened, or met.
            Err(Error::SessionConflict(_)) => self.earliest = None,
            _ => {}
        }
        answer
    }

    /// False while a login that nobody answered may be on its way.
    fn may_go_back(&self) -> bool {
        self.earliest.is_none_or(|earliest| earliest <= Instant::now())
    }

    /// As [`keep`](Self::keep), and whoever waits for an ID is told.
    fn keep_for_others(self) {
        let (account, desk) = (Arc::clone(&self.account), self.office.desk.clone());
        self.keep();
        desk.leave(async move { account.has_room() });
    }

    /// Leaves it to the account until it may go back.
    fn keep(self) {
        let (account, number, desk) =
            (Arc::clone(&self.account), self.number, self.office.desk.clone());
        let until = self.earliest.unwrap_or_else(Instant::now);
        account.keep(number, Held(Some(self)));
        desk.leave(async move {
            sleep_until(until).await;
            // Unless somebody has a session on it.
            drop(account.take_kept(|held| held.is(number)));
        });
    }

    async fn discharge(mut self) -> Result<()> {
        let outcome = self.ask(PATIENCE).await;
        if let Outcome::Again(error) = outcome {
            let desk = self.office.desk.clone();
            desk.leave(async move {
                let outcome = self.ask(Duration::MAX).await;
                drop(self.end(outcome));
            });
            return Err(error);
        }
        self.end(outcome)
    }

    /// Asks until there is nothing more to ask, or for that long and then answers
    /// [`Outcome::Again`].
    async fn ask(&mut self, patience: Duration) -> Outcome {
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt().await {
                Outcome::Otherwise => {}
                Outcome::Again(error) if !self.is_ours() => return Outcome::Unknown(error),
                Outcome::Again(_) if started.elapsed() < patience => {
                    sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    /// Writes down what came of it.
    fn end(&self, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Back | Outcome::Otherwise => Ok(()),
            Outcome::Refused(error) => {
                self.account.stuck(self.number, &self.uid, &error);
                Err(error)
            }
            Outcome::Unknown(error) | Outcome::Again(error) => {
                self.account.in_doubt(self.number, Some(&self.uid), &error);
                Err(error)
            }
        }
    }

    /// True while the gateway gives it to nobody else.
    fn is_ours(&self) -> bool {
        self.alive.age(uptime()) < self.office.reservation
    }

    async fn attempt(&mut self) -> Outcome {
        match self.account.releasing(self.number) {
            Ok(true) => {}
            Ok(false) => return Outcome::Back,
            Err(error) => return Outcome::Again(error),
        }
        let (client, group) = (&self.office.client, &self.account.group);
        let answer = match &self.ticket {
            Some(ticket) => sam::give_back(client, group, ticket).await,
            // Somebody else may have it.
            None if !self.is_ours() => {
                return Outcome::Unknown(Error::Unusable("gateway may have freed the ID itself"));
            }
            None => sam::give_back_without_session(client, group, &self.uid, &self.password).await,
        };
        let outcome = match answer {
            Ok(()) => Outcome::Back,
            Err(error) => self.judge(error).await,
        };
        match outcome {
            Outcome::Back => self.account.released(self.number),
            Outcome::Unknown(_) => {}
            _ => self.account.not_released(self.number),
        }
        outcome
    }

    async fn judge(&mut self, error: Error) -> Outcome {
        if error.refusal().is_some_and(|refusal| refusal.says(choices::NOT_TAKEN)) {
            return Outcome::Back;
        }
        if self.ticket.is_some() && matches!(error, Error::SessionLost(_) | Error::Auth(_)) {
            self.ticket = None;
            return Outcome::Otherwise;
        }
        if matches!(error, Error::Auth(_)) && !self.asked_for_password {
            self.asked_for_password = true;
            let owner = &self.account.group.owner;
            // The same once more would only be counted against the account.
            if let Ok(password) = self.office.password(owner).await
                && password.expose() != self.password.expose()
            {
                self.password = password;
                return Outcome::Otherwise;
            }
        }
        match error.changed_nothing() {
            // A release by the clear password needs no session: it will not be said twice.
            true if error.is_retryable() || error.session_lost() => Outcome::Again(error),
            true => Outcome::Refused(error),
            false => Outcome::Unknown(error),
        }
    }
}
