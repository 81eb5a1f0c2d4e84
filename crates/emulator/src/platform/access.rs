use std::sync::Arc;
use std::time::Duration;

use super::{Kill, Platform, Session};
use crate::book::Visit;
use crate::protocol::{Api, Parameters, Refusal, rc};

/// What came of a login.
#[derive(Debug)]
pub(crate) enum Login {
    /// The password is right; no session was asked for.
    Tested,
    /// A session, new or joined, and when the user logged in before.
    Session(Arc<Session>, Option<Duration>),
}

/// Logging in and out, and coming in with a session.
impl Platform {
    pub(crate) fn login(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<Login, Refusal> {
        self.expire(visit.now);
        let uid = self.password_holder(parameters)?;
        let kill = Kill::read(parameters.get("kill"))?;
        if kill == Kill::Auth {
            return Ok(Login::Tested);
        }
        let user = self.users.get_mut(uid).ok_or(Refusal::invalid_user())?;
        let joined = match (&mut user.active, kill) {
            (Some(_), Kill::No) => {
                return Err(Refusal::fixed(rc::ALREADY_LOGGED_IN, "Already logged in"));
            }
            (Some(active), Kill::Possess) => {
                active.use_at(visit.now);
                Some(Arc::clone(&active.session))
            }
            _ => None,
        };
        let before = user.last_login.replace(visit.now);
        let session = match joined {
            Some(session) => session,
            None => self.begin_session(uid, visit.now).ok_or(Refusal::invalid_user())?,
        };
        self.note(uid, Api::Login, visit, true);
        Ok(Login::Session(session, before))
    }

    pub(crate) fn logout(&mut self, parameters: &Parameters, visit: &Visit) -> Result<(), Refusal> {
        self.expire(visit.now);
        let (uid, _) = self.session_holder(parameters)?;
        let running = self.users[uid].active.as_ref().is_some_and(|active| active.running > 0);
        if running && parameters.get("kill") == Some("no") {
            return Err(Refusal::new(self.choices.logout_while_running, "System is busy"));
        }
        self.end_session(uid, visit.now);
        self.note(uid, Api::Logout, visit, true);
        Ok(())
    }

    /// Comes in with a request of a session; to be followed by [`leave`](Self::leave).
    pub(crate) fn enter(
        &mut self,
        parameters: &Parameters,
        api: Api,
        visit: &Visit,
    ) -> Result<Arc<Session>, Refusal> {
        self.expire(visit.now);
        let (uid, session) = self.session_holder(parameters)?;
        if let Some(active) = self.users.get_mut(uid).and_then(|user| user.active.as_mut()) {
            active.running += 1;
            active.use_at(visit.now);
        }
        self.note(uid, api, visit, true);
        Ok(session)
    }

    /// The request is over; the idle time runs from here.
    pub(crate) fn leave(&mut self, uid: &str, session: &Arc<Session>, now: Duration) {
        let active = self.users.get_mut(uid).and_then(|user| user.active.as_mut());
        if let Some(active) = active.filter(|active| Arc::ptr_eq(&active.session, session)) {
            active.running = active.running.saturating_sub(1);
            active.use_at(now);
        }
    }

    /// The user of a clear password.
    pub(super) fn password_holder<'p>(
        &self,
        parameters: &'p Parameters,
    ) -> Result<&'p str, Refusal> {
        let uid = parameters.given("uid").ok_or(NO_UID)?;
        let user = self.users.get(uid).ok_or(Refusal::invalid_user())?;
        if user.password.is(parameters.get("pswd")) {
            Ok(uid)
        } else {
            Err(Refusal::invalid_user())
        }
    }

    /// The user of a session's password and sid.
    pub(super) fn session_holder<'p>(
        &self,
        parameters: &'p Parameters,
    ) -> Result<(&'p str, Arc<Session>), Refusal> {
        let uid = parameters.given("uid").ok_or(NO_UID)?;
        let active = self.users.get(uid).and_then(|user| user.active.as_ref());
        active
            .filter(|active| active.session.accepts(parameters.get("sid"), parameters.get("pswd")))
            .map(|active| (uid, Arc::clone(&active.session)))
            .ok_or(Refusal::not_logged_in())
    }

    /// Books a request for a pool's ID.
    pub(super) fn note(&mut self, uid: &str, api: Api, visit: &Visit, took_effect: bool) {
        if let Some(holding) = self.holding_of(uid) {
            self.book.touch(uid, holding, api.name(), visit, took_effect);
        }
    }
}

const NO_UID: Refusal = Refusal::fixed(rc::NO_USER, "Missing user identification");
