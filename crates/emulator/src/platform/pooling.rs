use std::cmp::Reverse;
use std::time::Duration;

use super::{Member, Platform, Pool};
use crate::book::{HoldingEnd, Visit};
use crate::choices::Selection;
use crate::protocol::{Api, Parameters, Refusal};

/// An ID as `samstatus` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberStatus {
    pub(crate) uid: String,
    pub(crate) logged_in: bool,
    pub(crate) free: bool,
    pub(crate) marked: bool,
}

/// The pool transactions.
impl Platform {
    /// Hands out a free ID.
    pub(crate) fn getuid(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<String, Refusal> {
        self.expire(visit.now);
        let owner = self.password_holder(parameters)?;
        let gid = self.pool_of(parameters, |pool| pool.owner == owner)?;
        let index = self.select(gid, visit.now).ok_or(Refusal::pool_busy())?;
        self.hand_out(gid, index, visit).ok_or(Refusal::pool_busy())
    }

    /// Takes an ID back.
    pub(crate) fn reluid(&mut self, parameters: &Parameters, visit: &Visit) -> Result<(), Refusal> {
        self.expire(visit.now);
        let uid = match parameters.given("sid") {
            Some(_) => self.session_holder(parameters)?.0,
            None => self.password_holder(parameters)?,
        };
        let is_out = matches!(self.holding_of(uid), Some(Some(_)));
        self.note(uid, Api::ReluId, visit, is_out);
        let member = self.member_of(uid).filter(|member| !member.is_free());
        let member = member.ok_or(Refusal::cannot_release())?;
        let marked = member.marked;
        let holding = member.free(visit.now);
        self.book.take_back(holding, visit.now, HoldingEnd::Released(visit.caller.clone()));
        if marked {
            self.end_session(uid, visit.now);
        } else if let Some(active) = self.users.get_mut(uid).and_then(|user| user.active.as_mut()) {
            active.use_at(visit.now);
        }
        Ok(())
    }

    /// Starts a session on each free ID.
    pub(crate) fn warmpool(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        self.expire(visit.now);
        let gid = self.administered(parameters)?;
        for index in self.members_where(gid, |_, member| member.is_free()) {
            let Some(uid) = self.member(gid, index).map(|member| member.uid.clone()) else {
                continue;
            };
            self.begin_session(&uid, visit.now);
            if !self.choices.warmed_is_free {
                self.hand_out(gid, index, visit);
            }
        }
        Ok(())
    }

    /// Has every allocated ID's session end at its `reluid`.
    pub(crate) fn flushpool(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        self.expire(visit.now);
        let gid = self.administered(parameters)?;
        let warm = self.members_where(gid, |platform, member| platform.has_session(&member.uid));
        for index in warm {
            let ends_free = self.choices.flush_ends_free;
            let Some(member) = self.member(gid, index) else { continue };
            if !member.is_free() {
                member.marked = true;
            } else if ends_free {
                let uid = member.uid.clone();
                self.end_session(&uid, visit.now);
            }
        }
        Ok(())
    }

    /// Ends all sessions and frees all IDs.
    pub(crate) fn resetpool(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<(), Refusal> {
        self.expire(visit.now);
        let gid = self.administered(parameters)?;
        for index in self.members_where(gid, |_, _| true) {
            let Some(member) = self.member(gid, index) else { continue };
            let uid = member.uid.clone();
            if !member.is_free() {
                let holding = member.free(visit.now);
                self.book.take_back(holding, visit.now, HoldingEnd::Reset);
            }
            self.end_session(&uid, visit.now);
        }
        Ok(())
    }

    /// The pool's IDs, in its order.
    pub(crate) fn samstatus(
        &mut self,
        parameters: &Parameters,
        visit: &Visit,
    ) -> Result<Vec<MemberStatus>, Refusal> {
        self.expire(visit.now);
        let gid = self.administered(parameters)?;
        Ok(self.pools[gid].members.iter().map(|member| self.status(member)).collect())
    }

    fn status(&self, member: &Member) -> MemberStatus {
        MemberStatus {
            uid: member.uid.clone(),
            logged_in: self.has_session(&member.uid),
            free: member.is_free(),
            marked: member.marked,
        }
    }

    fn hand_out(&mut self, gid: &str, index: usize, visit: &Visit) -> Option<String> {
        let uid = self.member(gid, index)?.uid.clone();
        let number = self.book.hand_out(&uid, gid, visit);
        let reserved = !self.has_session(&uid) && self.choices.unused_expires;
        let reserved_until =
            reserved.then(|| visit.now.checked_add(self.choices.reservation)).flatten();
        let member = self.member(gid, index)?;
        member.holding = Some(number);
        member.reserved_until = reserved_until;
        Some(uid)
    }

    fn select(&self, gid: &str, now: Duration) -> Option<usize> {
        let visible = |member: &Member| {
            let freed =
                member.freed.map(|freed| freed.saturating_add(self.choices.release_latency));
            member.is_free() && freed.is_none_or(|freed| freed <= now)
        };
        let members = self.pools.get(gid)?.members.iter().enumerate();
        let free = members.filter(|(_, member)| visible(member));
        let chosen = match self.choices.selection {
            Selection::WarmFirst => free.min_by_key(|(_, member)| !self.has_session(&member.uid)),
            Selection::First => free.min_by_key(|(index, _)| *index),
            Selection::LongestFree => free.min_by_key(|(_, member)| member.freed),
            Selection::LastFreed => free.min_by_key(|(_, member)| Reverse(member.freed)),
        };
        chosen.map(|(index, _)| index)
    }

    fn members_where(&self, gid: &str, holds: impl Fn(&Self, &Member) -> bool) -> Vec<usize> {
        let members = self.pools.get(gid).map_or(&[][..], |pool| &pool.members).iter().enumerate();
        members.filter(|(_, member)| holds(self, member)).map(|(index, _)| index).collect()
    }

    /// The group, if the caller owns it or is the company's admin.
    fn administered<'p>(&self, parameters: &'p Parameters) -> Result<&'p str, Refusal> {
        let uid = self.password_holder(parameters)?;
        let is_admin = self.users[uid].is_admin;
        self.pool_of(parameters, |pool| is_admin || pool.owner == uid)
    }

    fn pool_of<'p>(
        &self,
        parameters: &'p Parameters,
        may: impl Fn(&Pool) -> bool,
    ) -> Result<&'p str, Refusal> {
        let gid = parameters.get("gid").unwrap_or_default();
        match self.pools.get(gid) {
            Some(pool) if may(pool) => Ok(gid),
            _ => Err(Refusal::new(self.choices.not_owner, "You do not own the specified group.")),
        }
    }
}
