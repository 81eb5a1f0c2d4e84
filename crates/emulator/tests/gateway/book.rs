//! The book: who held which ID when, and who reached for another's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessionpool_emulator::{Clock, HoldingEnd};

use crate::common::{Caller, between, emulator, rc};

#[tokio::test]
async fn a_holding_says_who_from_when_until_when_and_how_it_ended() {
    let clock = Clock::stopped();
    let emulator = emulator().clock(clock.clone()).start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "process-1/task-1"), Caller::new(&emulator, "b"));
    let second = Duration::from_secs(1);
    a.getuid().await;
    clock.advance(second);
    b.getuid().await;
    a.release_clear("clientx_0").await;
    clock.advance(second);
    b.pool("resetpool").await;

    let book = emulator.book();
    let shown: Vec<_> = book
        .holdings
        .iter()
        .map(|h| {
            (h.number, h.uid.as_str(), h.gid.as_str(), h.caller.as_str(), h.from, h.end.clone())
        })
        .collect();
    let released = HoldingEnd::Released("process-1/task-1".to_owned());
    assert_eq!(
        shown,
        [
            (
                1,
                "clientx_0",
                "clientx",
                "process-1/task-1",
                Duration::ZERO,
                Some((second, released))
            ),
            (2, "clientx_1", "clientx", "b", second, Some((2 * second, HoldingEnd::Reset))),
        ]
    );
    assert!(book.strays.is_empty());
}

#[tokio::test]
async fn a_release_that_hits_a_stranger_is_seen() {
    let emulator = emulator().start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "a"), Caller::new(&emulator, "b"));
    a.getuid().await;
    let session = a.login("clientx_0", "possess").await;
    a.release(&session).await;
    b.getuid().await;
    b.login("clientx_0", "possess").await;
    assert!(emulator.book().strays.is_empty());

    assert_eq!(rc(&a.release(&session).await), 0, "possess hands on the same credentials");

    let book = emulator.book();
    let hits = book.released_strangers();
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].uid.as_str(), hits[0].caller.as_str()), ("clientx_0", "a"));
    assert_eq!(hits[0].holder.as_deref(), Some("b"));
    assert!(book.held().is_empty());
}

#[tokio::test]
async fn using_what_one_does_not_hold_is_seen() {
    let emulator = emulator().start().await.unwrap();
    let (a, b) = (Caller::new(&emulator, "a"), Caller::new(&emulator, "b"));
    a.getuid().await;
    let session = a.login("clientx_0", "possess").await;
    a.in_session(&session, "clear", "").await;
    assert!(emulator.book().strays.is_empty(), "its holder may");

    b.in_session(&session, "clear", "").await;
    a.release(&session).await;
    a.in_session(&session, "clear", "").await;
    a.release(&session).await;
    a.in_session(&session, "logout", "").await;
    b.try_login("clientx_0", "yes").await;
    b.try_login("clientx_0", "auth").await;

    let book = emulator.book();
    let strays: Vec<_> = book
        .strays
        .iter()
        .map(|stray| (stray.api, stray.caller.as_str(), stray.holder.as_deref(), stray.took_effect))
        .collect();
    assert_eq!(
        strays,
        [
            ("clear", "b", Some("a"), true),
            ("clear", "a", None, true),
            ("reluid", "a", None, false),
            ("logout", "a", None, true),
            ("login", "b", None, true),
        ]
    );
    assert!(book.released_strangers().is_empty());
}

#[tokio::test]
async fn users_outside_of_pools_are_nobodys() {
    let emulator = emulator().start().await.unwrap();
    let session = Caller::new(&emulator, "a").login("demo", "possess").await;
    Caller::new(&emulator, "b").in_session(&session, "logout", "").await;
    assert!(emulator.book().strays.is_empty());
}

#[tokio::test]
async fn requests_are_kept_without_their_secrets() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "no").await;
    caller.try_login("demo", "no").await;
    caller.try_login("demo", "").await;
    caller.in_session(&session, "clear", "").await;
    caller.pool("getuid").await;

    let requests = emulator.requests();
    let shown: Vec<_> = requests
        .iter()
        .map(|r| (r.api.as_str(), r.uid.as_str(), r.kill.as_deref(), r.with_sid, r.rc))
        .collect();
    assert_eq!(
        shown,
        [
            ("login", "demo", Some("no"), false, Some(0)),
            ("login", "demo", Some("no"), false, Some(5)),
            ("login", "demo", None, false, Some(0)),
            ("clear", "demo", None, true, Some(35)),
            ("getuid", "clientx_owner", None, false, Some(0)),
        ]
    );
    assert_eq!(requests[4].gid.as_deref(), Some("clientx"));
    assert_eq!((requests[0].method.as_str(), requests[0].caller.as_str()), ("POST", "a"));
    let session = caller.login("demo", "possess").await;
    let printed = format!("{requests:?} {emulator:?} {:?}", crate::common::emulator());
    for secret in ["secret", &session.sid, &session.pswd] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_id_is_in_two_hands_whoever_asks_at_once() {
    const ROUNDS: usize = 20;
    let emulator = Arc::new(emulator().start().await.unwrap());
    let in_hand = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let caller = Caller::new(&emulator, &format!("task-{task}"));
        let (emulator, in_hand) = (Arc::clone(&emulator), Arc::clone(&in_hand));
        tasks.spawn(async move {
            let mut rounds = 0;
            while rounds < ROUNDS {
                let answer = caller.pool("getuid").await;
                if rc(&answer) == 38 {
                    emulator.until(|book| book.held().len() < 3).await;
                    continue;
                }
                let uid = between(&answer, "<uid>", "</uid>");
                assert!(in_hand.lock().unwrap().insert(uid.clone()), "{uid} is in two hands");
                let session = caller.login(&uid, "possess").await;
                let query = "<in><name>default.lonely</name><ops/></in>";
                assert_eq!(rc(&caller.in_session(&session, "query", query).await), 0);
                in_hand.lock().unwrap().remove(&uid);
                assert_eq!(rc(&caller.release(&session).await), 0);
                rounds += 1;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let book = emulator.book();
    assert_eq!(book.holdings.len(), 8 * ROUNDS);
    assert!(book.held().is_empty() && book.strays.is_empty(), "{:?}", book.strays);
    assert!(book.sessions_begun <= 3, "one each, and kept warm: {}", book.sessions_begun);
}
