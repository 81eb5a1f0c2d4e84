//! Whatever is done in whatever order, the platform's books agree with each other.

use std::time::Duration;

use proptest::prelude::*;

use super::{Group, Member, Platform, Pool, User};
use crate::book::Visit;
use crate::choices::{Choices, Selection};
use crate::protocol::{Api, Parameters};
use crate::table::Catalog;

const IDS: usize = 3;

/// Something that happens. IDs and callers are numbers.
#[derive(Clone, Debug)]
enum Event {
    Pass(Duration),
    Owner(Api, usize),
    Login(usize, &'static str, usize),
    /// With the credentials the ID's session has now, if it has one.
    InSession(usize, Api, usize),
    ReleaseClear(usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let owners = [Api::GetUid, Api::WarmPool, Api::FlushPool, Api::ResetPool];
    let kills = prop::sample::select(vec!["yes", "no", "possess", "auth"]);
    let apis = prop::sample::select(vec![Api::Query, Api::Logout, Api::ReluId]);
    prop_oneof![
        2 => (0..3_000_u64).prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        1 => (prop::sample::select(owners.to_vec()), 0..2_usize)
            .prop_map(|(api, caller)| Event::Owner(api, caller)),
        3 => (0..2_usize).prop_map(|caller| Event::Owner(Api::GetUid, caller)),
        3 => (0..IDS, kills, 0..2_usize).prop_map(|(id, kill, caller)| Event::Login(id, kill, caller)),
        3 => (0..IDS, apis, 0..2_usize).prop_map(|(id, api, caller)| Event::InSession(id, api, caller)),
        2 => (0..IDS, 0..2_usize).prop_map(|(id, caller)| Event::ReleaseClear(id, caller)),
    ]
}

fn platform(choices: Choices) -> Platform {
    let group = Group::new("g", "owner", "secret").ids(IDS);
    let mut platform = Platform::new(choices, Catalog::default());
    for uid in group.ids.iter().chain([&group.owner]) {
        platform.add_user(uid, User::new(group.password.clone()));
    }
    let members = group.ids.into_iter().map(Member::new).collect();
    platform.add_pool("g", Pool { owner: group.owner, members });
    platform
}

/// Lets it happen; refusals are as good as anything else.
fn happen(platform: &mut Platform, now: &mut Duration, event: &Event) {
    let visit = |caller: usize| Visit { now: *now, caller: caller.to_string() };
    match event {
        Event::Pass(time) => *now += *time,
        Event::Owner(api, caller) => {
            let owner = Parameters::read("uid=owner&pswd=secret&gid=g");
            let visit = visit(*caller);
            let _ = match api {
                Api::GetUid => platform.getuid(&owner, &visit).map(drop),
                Api::WarmPool => platform.warmpool(&owner, &visit),
                Api::FlushPool => platform.flushpool(&owner, &visit),
                _ => platform.resetpool(&owner, &visit),
            };
        }
        Event::Login(id, kill, caller) => {
            let asked = format!("uid=g_{id}&pswd=secret&kill={kill}");
            let _ = platform.login(&Parameters::read(&asked), &visit(*caller));
        }
        Event::ReleaseClear(id, caller) => {
            let asked = format!("uid=g_{id}&pswd=secret");
            let _ = platform.reluid(&Parameters::read(&asked), &visit(*caller));
        }
        Event::InSession(id, api, caller) => {
            let uid = format!("g_{id}");
            let Some(active) = &platform.users[&uid].active else { return };
            let (sid, pswd) = (active.session.sid.reveal(), active.session.pswd.reveal());
            let asked = Parameters::read(&format!("uid={uid}&sid={sid}&pswd={pswd}"));
            let visit = visit(*caller);
            match api {
                Api::Logout => drop(platform.logout(&asked, &visit)),
                Api::ReluId => drop(platform.reluid(&asked, &visit)),
                _ => {
                    if let Ok(session) = platform.enter(&asked, *api, &visit) {
                        platform.leave(&uid, &session, *now);
                    }
                }
            }
        }
    }
    platform.expire(*now);
}

fn check(platform: &Platform, now: Duration) {
    let book = &platform.book;
    for member in &platform.pools["g"].members {
        let uid = &member.uid;
        let open: Vec<u64> =
            book.held().iter().filter(|h| h.uid == *uid).map(|h| h.number).collect();
        let holding: Vec<u64> = member.holding.into_iter().collect();
        assert_eq!(open, holding, "{uid} in the book and in the pool");
        if member.is_free() {
            assert!(!member.marked && member.reserved_until.is_none(), "{member:?}");
        }
        match (member.is_free(), platform.has_session(uid), member.reserved_until) {
            (false, false, until) => assert!(until.is_some_and(|until| until > now), "{member:?}"),
            (_, _, until) => assert_eq!(until, None, "{member:?}"),
        }
    }
    for (index, holding) in book.holdings.iter().enumerate() {
        let ended = holding.end.as_ref().map(|(at, _)| *at);
        assert!(ended.is_none_or(|at| holding.from <= at && at <= now), "{holding:?}");
        let next = book.holdings[index + 1..].iter().find(|later| later.uid == holding.uid);
        if let Some(next) = next {
            assert!(ended.is_some_and(|at| at <= next.from), "{holding:?} and {next:?}");
        }
    }
    let active = platform.users.values().filter(|user| user.active.is_some()).count();
    assert_eq!(book.sessions_begun - book.sessions_ended, active);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_id_is_in_one_hand_at_most_and_none_is_lost(
        selection in prop::sample::select(vec![
            Selection::WarmFirst, Selection::First, Selection::LongestFree, Selection::LastFreed,
        ]),
        warmed_is_free: bool,
        flush_ends_free: bool,
        events in prop::collection::vec(event(), 0..60),
    ) {
        let choices = Choices { selection, warmed_is_free, flush_ends_free, ..Choices::default() };
        let mut platform = platform(choices);
        let mut now = Duration::ZERO;
        for event in &events {
            happen(&mut platform, &mut now, event);
            check(&platform, now);
        }
        happen(&mut platform, &mut now, &Event::Pass(Duration::from_secs(45 * 60)));
        prop_assert!(platform.book.held().is_empty(), "left alone, every ID comes back");
    }
}
