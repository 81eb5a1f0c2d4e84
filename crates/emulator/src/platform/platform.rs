use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Member, Pool, Session, User};
use crate::book::{Book, HoldingEnd};
use crate::choices::Choices;
use crate::table::Catalog;

/// The truth about users, sessions and pools. Every rule is a method that takes the
/// time as an argument; there is no clock in here and no await.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(super) users: BTreeMap<String, User>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(crate) choices: Arc<Choices>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) book: Book,
}

/// What falls due by itself.
#[derive(Debug)]
enum Due {
    Idle(String),
    Reservation(String, usize),
}

impl Platform {
    pub(crate) fn new(choices: Choices, catalog: Catalog) -> Self {
        Self {
            users: BTreeMap::new(),
            pools: BTreeMap::new(),
            choices: Arc::new(choices),
            catalog: Arc::new(catalog),
            book: Book::default(),
        }
    }

    pub(crate) fn add_user(&mut self, uid: &str, user: User) {
        self.users.entry(uid.to_owned()).or_insert(user);
    }

    pub(crate) fn add_pool(&mut self, gid: &str, pool: Pool) {
        self.pools.insert(gid.to_owned(), pool);
    }

    /// Lets happen what fell due by `now`, in the order of its own times: an idle
    /// session's end may start a reservation that is over by now, too.
    pub(crate) fn expire(&mut self, now: Duration) {
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) {
            match due {
                Due::Idle(uid) => self.end_session(&uid, at),
                Due::Reservation(gid, index) => {
                    if let Some(member) = self.member(&gid, index) {
                        let holding = member.free(at);
                        self.book.take_back(holding, at, HoldingEnd::Expired);
                    }
                }
            }
        }
    }

    /// Puts a session in the place of the one the user may have.
    pub(super) fn begin_session(&mut self, uid: &str, now: Duration) -> Option<Arc<Session>> {
        let session = Session::new(Arc::clone(&self.catalog), self.choices.infinity_is_na);
        let user = self.users.get_mut(uid)?;
        if user.end() {
            self.book.sessions_ended += 1;
        }
        user.begin(Arc::clone(&session), now);
        self.book.sessions_begun += 1;
        if let Some(member) = self.member_of(uid) {
            member.reserved_until = None;
        }
        Some(session)
    }

    /// Ends the user's session, if there is one; an ID that stays allocated is
    /// reserved from then on.
    pub(super) fn end_session(&mut self, uid: &str, at: Duration) {
        if !self.users.get_mut(uid).is_some_and(User::end) {
            return;
        }
        self.book.sessions_ended += 1;
        let reservation = self.choices.reservation;
        if let Some(member) = self.member_of(uid).filter(|member| !member.is_free()) {
            member.reserved_until = at.checked_add(reservation);
        }
    }

    pub(crate) fn has_session(&self, uid: &str) -> bool {
        self.users.get(uid).is_some_and(|user| user.active.is_some())
    }

    /// The pool's ID of this name; an ID is in one group only.
    pub(super) fn member_of(&mut self, uid: &str) -> Option<&mut Member> {
        self.pools.values_mut().flat_map(|pool| &mut pool.members).find(|member| member.uid == uid)
    }

    /// The number of the holding of a pool's ID; the outer `None` for other users.
    pub(super) fn holding_of(&self, uid: &str) -> Option<Option<u64>> {
        let mut members = self.pools.values().flat_map(|pool| &pool.members);
        members.find(|member| member.uid == uid).map(|member| member.holding)
    }

    pub(super) fn member(&mut self, gid: &str, index: usize) -> Option<&mut Member> {
        self.pools.get_mut(gid)?.members.get_mut(index)
    }

    fn next_due(&self) -> Option<(Duration, Due)> {
        let idle = self
            .users
            .iter()
            .filter_map(|(uid, user)| Some((user.idle_deadline(self.choices.idle_timeout)?, uid)));
        let reserved = self.pools.iter().flat_map(|(gid, pool)| {
            let members = pool.members.iter().enumerate();
            members.filter_map(move |(index, member)| Some((member.reserved_until?, gid, index)))
        });
        let idle = idle.min().map(|(at, uid)| (at, Due::Idle(uid.clone())));
        let reserved =
            reserved.min().map(|(at, gid, index)| (at, Due::Reservation(gid.clone(), index)));
        [idle, reserved].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
