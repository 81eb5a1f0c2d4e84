//! What ends by itself: idle sessions and reservations, on a stopped clock.

use std::time::Duration;

use sessionpool_emulator::{Clock, Emulator, HoldingEnd};

use crate::common::{Caller, emulator, rc};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

const MOMENT: Duration = Duration::from_millis(1);

async fn start() -> (Emulator, Clock, Caller) {
    let clock = Clock::stopped();
    let emulator = emulator().clock(clock.clone()).start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    (emulator, clock, caller)
}

#[tokio::test]
async fn a_session_ends_after_30_minutes_without_a_request() {
    let (_emulator, clock, caller) = start().await;
    let session = caller.login("demo", "possess").await;
    clock.advance(minutes(30) - MOMENT);
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 0, "and it is used again");
    clock.advance(minutes(30) - MOMENT);
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 0);
    clock.advance(minutes(30));
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 35);
}

#[tokio::test]
async fn a_login_that_joins_counts_as_use() {
    let (_emulator, clock, caller) = start().await;
    let session = caller.login("demo", "possess").await;
    clock.advance(minutes(20));
    caller.login("demo", "possess").await;
    clock.advance(minutes(20));
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 0);
}

#[tokio::test]
async fn an_unused_id_comes_back_after_15_minutes() {
    let (emulator, clock, caller) = start().await;
    caller.getuid().await;
    clock.advance(minutes(15) - MOMENT);
    assert_eq!(emulator.book().held().len(), 1);
    clock.advance(MOMENT);
    assert_eq!(emulator.book().holdings[0].end, Some((minutes(15), HoldingEnd::Expired)));
}

#[tokio::test]
async fn a_logout_without_a_release_leaves_the_id_reserved_for_15_minutes() {
    let (emulator, clock, caller) = start().await;
    caller.getuid().await;
    let session = caller.login("clientx_0", "possess").await;
    clock.advance(minutes(20));
    caller.in_session(&session, "logout", "").await;
    clock.advance(minutes(15) - MOMENT);
    assert_eq!(emulator.book().held().len(), 1);
    clock.advance(MOMENT);
    assert_eq!(emulator.book().held().len(), 0);
}

#[tokio::test]
async fn a_login_stops_the_reservation() {
    let (emulator, clock, caller) = start().await;
    caller.getuid().await;
    clock.advance(minutes(15) - MOMENT);
    caller.login("clientx_0", "possess").await;
    clock.advance(minutes(29));
    assert_eq!(emulator.book().held().len(), 1);
}

#[tokio::test]
async fn an_abandoned_session_takes_both_times_to_come_back() {
    let (emulator, clock, caller) = start().await;
    caller.getuid().await;
    caller.login("clientx_0", "possess").await;
    clock.advance(minutes(600));
    let expected = Some((minutes(45), HoldingEnd::Expired));
    assert_eq!(emulator.book().holdings[0].end, expected, "whenever somebody looks");
    assert_eq!(emulator.book().sessions_ended, 1);
}

#[tokio::test]
async fn an_id_that_never_was_logged_in_can_be_had_to_stay() {
    let clock = Clock::stopped();
    let builder = emulator().clock(clock.clone()).choose(|c| c.unused_expires = false);
    let emulator = builder.start().await.unwrap();
    Caller::new(&emulator, "a").getuid().await;
    clock.advance(minutes(600));
    assert_eq!(emulator.book().held().len(), 1);
}

#[tokio::test]
async fn a_running_clock_can_be_set_forward() {
    let emulator = emulator().start().await.unwrap();
    let caller = Caller::new(&emulator, "a");
    let session = caller.login("demo", "possess").await;
    emulator.clock().advance(minutes(31));
    assert_eq!(rc(&caller.in_session(&session, "clear", "").await), 35);
}
