//! Taking IDs and giving them back: each exactly once, whatever happens.

use std::time::Duration;

use sessionpool_core::{Backend, Pool, Session};
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{Doubt, Error, LoginType, Tenten, TentenBuilder, TentenSession};
use sessionpool_testkit::conformance::cut;

use crate::common::{OWNER, PASSWORD, all_free, group, other_group, soon, start};

async fn settled(tenten: &Tenten) {
    soon("a settled report", async {
        while !tenten.sam_report().is_settled() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// No ID was ever given back more often than it was taken.
fn in_balance(emulator: &Emulator) {
    let book = emulator.book();
    assert!(book.strays.iter().all(|stray| stray.api != "reluid"), "{:?}", book.strays);
}

#[tokio::test]
async fn a_member_is_logged_in_not_the_owner() {
    let emulator = start(2).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    assert_eq!(session.user(), "clientx_0");
    assert_ne!(session.user(), OWNER);
    let report = tenten.sam_report();
    assert_eq!((report.taken, report.held), (1, vec!["clientx_0".to_owned()]));
}

#[tokio::test]
async fn an_opening_dropped_at_any_point_gives_its_id_back_once() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for polls in 0.. {
        let opened = cut(tenten.open(), polls).await;
        let done = opened.is_some();
        drop(opened);
        settled(&tenten).await;
        all_free(&emulator).await;
        if done {
            break;
        }
    }
    let report = tenten.sam_report();
    assert_eq!(report.taken, report.given_back);
    assert_eq!(emulator.book().calls("reluid"), emulator.book().holdings.len());
    in_balance(&emulator);
}

#[tokio::test]
async fn an_opening_dropped_while_the_gateway_thinks_gives_its_id_back() {
    for api in ["getuid", "login"] {
        let emulator = start(1).await;
        let tenten = group(&emulator).build().expect("valid");
        let held = emulator.fault(Fault::on(api).hold());
        let dropped = tokio::time::timeout(Duration::from_millis(50), tenten.connect()).await;
        assert!(dropped.is_err(), "{api}");
        held.lift();
        soon("a reluid", emulator.until(|book| book.calls("reluid") == 1)).await;
        all_free(&emulator).await;
        settled(&tenten).await;
    }
}

#[tokio::test]
async fn a_close_dropped_at_any_point_gives_the_id_back_once() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for polls in 0.. {
        let session = tenten.connect().await.expect("opens");
        let done = cut(TentenSession::close(session), polls).await.is_some();
        all_free(&emulator).await;
        settled(&tenten).await;
        if done {
            break;
        }
    }
    assert_eq!(emulator.book().calls("reluid"), emulator.book().holdings.len());
}

#[tokio::test]
async fn a_login_that_fails_gives_its_id_back_by_the_clear_password() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for rc in [4, 39, 41, 45, 5, 1] {
        emulator.fault(Fault::on("login").rc(rc, "no"));
        let error = tenten.connect().await.expect_err("refused");
        assert_eq!(error.rc(), Some(i64::from(rc)));
        assert!(emulator.book().held().is_empty(), "back before the error is told");
        assert!(!emulator.requests().last().expect("some").with_sid);
    }
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_lost_answer_to_a_possessing_login_is_asked_for_again() {
    let emulator = start(1).await;
    let tenten = patient(&emulator).build().expect("valid");
    emulator.fault(Fault::on("login").lose_reply());
    let session = tenten.connect().await.expect("the same session");
    assert_eq!(emulator.book().sessions_begun, 1);
    TentenSession::close(session).await.expect("given back");

    emulator.fault(Fault::on("login").lose_reply());
    let killing = patient(&emulator).login_type(LoginType::Kill).build().expect("valid");
    let error = killing.connect().await.expect_err("whether it took effect is unknown");
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    all_free(&emulator).await;
}

/// How long a request of [`patient`] may take.
const LIMIT: Duration = Duration::from_secs(2);

/// As [`group`]; an ID goes back soon even where a login of it was lost.
fn patient(emulator: &Emulator) -> TentenBuilder {
    group(emulator).lifecycle_timeout(LIMIT)
}

#[tokio::test]
async fn an_id_stays_here_while_a_login_for_it_may_be_on_its_way() {
    for kind in [LoginType::Kill, LoginType::NoKill, LoginType::Possess] {
        let emulator = start(1).await;
        let tenten = patient(&emulator).login_type(kind).build().expect("valid");
        let late = emulator.fault(Fault::on("login").hold());
        let refused = emulator.fault(Fault::on("login").rc(41, "1010data is unavailable").always());
        let connecting = tokio::spawn(async move { tenten.connect().await });
        soon("a login", late.hit(1)).await;
        emulator.abort_connections();
        soon("an error", connecting).await.expect("no panic").expect_err("lost, or refused");
        late.lift();
        refused.lift();
        all_free(&emulator).await;
        came_late(&emulator);
    }
}

/// The late login met nobody: its ID was kept long enough.
fn came_late(emulator: &Emulator) {
    assert_eq!(emulator.book().strays, []);
    let requests = emulator.requests();
    let at = |api| requests.iter().find(|request| request.api == api).expect("sent").at;
    assert!(at("reluid") >= at("login") + LIMIT, "{requests:?}");
}

#[tokio::test]
async fn a_session_whose_first_login_may_be_on_its_way_leaves_its_id_to_the_next() {
    let emulator = start(2).await;
    let tenten = patient(&emulator).build().expect("valid");
    let late = emulator.fault(Fault::on("login").hold());
    let connecting = tokio::spawn(async move { (tenten.connect().await, tenten) });
    soon("a login", late.hit(1)).await;
    emulator.abort_connections();
    let (session, tenten) = soon("a session", connecting).await.expect("no panic");
    let session = session.expect("possessed");
    late.lift();
    TentenSession::close(session).await.expect("left for the next");
    assert_eq!(tenten.sam_report().held, ["clientx_0"]);
    drop(tenten.connect().await.expect("on the same ID"));
    assert_eq!(emulator.book().calls("getuid"), 1);
    assert!(tenten.settled(Duration::from_secs(10)).await.is_settled());
    assert!(emulator.book().held().is_empty());
    came_late(&emulator);
}

#[tokio::test]
async fn however_many_logins_are_lost_a_pool_takes_no_more_ids_than_it_may_have_sessions() {
    let emulator = start(5).await;
    let tenten = group(&emulator).login_type(LoginType::Kill).build().expect("valid");
    let lost = emulator.fault(Fault::on("login").lose_reply().always());
    let pool = Pool::builder(tenten.clone()).max_size(2).build().expect("valid");
    let acquires: Vec<_> = (0..2)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.acquire().await })
        })
        .collect();
    soon("logins", lost.hit(6)).await;
    assert!(emulator.book().calls("getuid") <= 2, "{:?}", emulator.requests());
    lost.lift();
    for acquire in acquires {
        drop(soon("a session", acquire).await.expect("no panic").expect("on a kept ID"));
    }
    assert!(emulator.book().calls("getuid") <= 2, "{:?}", emulator.requests());
}

#[tokio::test]
async fn a_session_that_is_met_is_the_one_the_lost_login_opened() {
    let emulator = start(1).await;
    // Nothing goes back within the test but what need not wait.
    let tenten = group(&emulator).login_type(LoginType::NoKill).build().expect("valid");
    emulator.fault(Fault::on("login").lose_reply());
    let error = tenten.connect().await.expect_err("lost");
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert_eq!(tenten.sam_report().held, ["clientx_0"]);
    let error = tenten.connect().await.expect_err("the session is there");
    assert!(matches!(error, Error::SessionConflict(_)), "{error}");
    assert!(tenten.sam_report().is_settled(), "{}", tenten.sam_report());
}

#[tokio::test]
async fn an_id_that_was_reset_is_not_logged_in_on_again() {
    let emulator = start(2).await;
    let tenten = group(&emulator).login_type(LoginType::Kill).build().expect("valid");
    emulator.fault(Fault::on("login").lose_reply());
    tenten.connect().await.expect_err("lost");
    tenten.reset_pool().await.expect("reset");
    assert!(tenten.sam_report().is_settled(), "{}", tenten.sam_report());

    emulator.fault(Fault::on("login").lose_reply());
    let possessing = group(&emulator).build().expect("valid");
    let session = possessing.connect().await.expect("possessed");
    tenten.reset_pool().await.expect("reset");
    TentenSession::close(session).await.expect("there is nothing to be given back");
    assert!(tenten.sam_report().is_settled(), "{}", tenten.sam_report());

    let session = tenten.connect().await.expect("a session");
    assert_eq!(emulator.book().calls("getuid"), 3);
    TentenSession::close(session).await.expect("given back");
    assert_eq!(emulator.book().strays, []);
}

#[tokio::test]
async fn a_lost_answer_to_getuid_stands_in_the_report() {
    let emulator = start(2).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(Fault::on("getuid").lose_reply());
    let error = tenten.connect().await.expect_err("lost");
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    let report = tenten.sam_report();
    assert_eq!(report.in_doubt, [Doubt::Taken]);
    assert_eq!(
        report.to_string(),
        "0 IDs taken, 0 given back; in doubt: an unknown ID may be taken"
    );
    assert_eq!(emulator.book().calls("reluid"), 0);
    // It comes back by itself.
    emulator.clock().advance(Duration::from_secs(15 * 60));
    all_free(&emulator).await;
}

#[tokio::test]
async fn a_lost_answer_to_reluid_is_never_asked_for_again() {
    for took_effect in [true, false] {
        let emulator = start(1).await;
        let tenten = group(&emulator).build().expect("valid");
        let session = tenten.connect().await.expect("opens");
        let lost = Fault::on("reluid");
        emulator.fault(if took_effect { lost.lose_reply() } else { lost.lose_request() });
        let error = TentenSession::close(session).await.expect_err("lost");
        assert!(matches!(error, Error::Transport { .. }), "{error}");
        assert_eq!(emulator.book().calls("reluid"), 1);
        let doubt = Doubt::GivenBack { uid: "clientx_0".to_owned() };
        assert_eq!(tenten.sam_report().in_doubt, [doubt]);
        if took_effect {
            // Whoever gets it next takes away the doubt.
            drop(tenten.connect().await.expect("it is free"));
            settled(&tenten).await;
        }
    }
}

#[tokio::test]
async fn a_damaged_answer_to_reluid_is_a_lost_one() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for fault in [
        Fault::on("reluid").status(502).executed(true),
        Fault::on("reluid").truncate(5),
        Fault::on("reluid").body("<out><msg>OK</msg></out>").executed(true),
    ] {
        let session = tenten.connect().await.expect("opens");
        let before = emulator.book().calls("reluid");
        emulator.fault(fault);
        TentenSession::close(session).await.expect_err("not understood");
        assert_eq!(emulator.book().calls("reluid"), before + 1);
        assert_eq!(tenten.sam_report().in_doubt.len(), 1);
    }
}

#[tokio::test]
async fn a_refused_reluid_is_asked_again() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for rc in [38, 41, 45] {
        let session = tenten.connect().await.expect("opens");
        emulator.fault(Fault::on("reluid").rc(rc, "not now").times(2));
        TentenSession::close(session).await.expect("the third time");
        assert!(emulator.book().held().is_empty());
    }
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_reluid_refused_for_good_stands_in_the_report() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    emulator.fault(Fault::on("reluid").rc(13, "invalid attribute value").always());
    TentenSession::close(session).await.expect_err("refused");
    let report = tenten.sam_report();
    assert_eq!(report.stuck, ["clientx_0"]);
    assert!(!report.is_settled());
}

#[tokio::test]
async fn an_id_that_was_stuck_is_lent_again_when_the_gateway_hands_it_out() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let refusing = emulator.fault(Fault::on("reluid").rc(13, "invalid attribute value").always());
    TentenSession::close(session).await.expect_err("refused");
    refusing.lift();
    // Its session ends, and then its reservation.
    emulator.clock().advance(Duration::from_secs(46 * 60));
    let session = tenten.connect().await.expect("the gateway freed it");
    assert_eq!(tenten.sam_report().stuck, [""; 0]);
    TentenSession::close(session).await.expect("given back");
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn an_id_that_may_be_somebody_elses_by_now_is_in_doubt() {
    let emulator = start(1).await;
    let tenten = group(&emulator).sam_reservation(Duration::ZERO).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    emulator.fault(Fault::on("reluid").rc(41, "1010data is unavailable").always());
    let error = soon("an answer", TentenSession::close(session)).await.expect_err("refused");
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert_eq!(emulator.book().calls("reluid"), 1);
    let doubt = Doubt::GivenBack { uid: "clientx_0".to_owned() };
    let report = tenten.sam_report();
    assert_eq!((report.in_doubt, report.stuck.len()), (vec![doubt], 0));
}

#[tokio::test]
async fn an_id_that_is_free_already_is_back() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let operator = other_group(&emulator, "operator").build().expect("valid");
    operator.reset_pool().await.expect("reset");
    TentenSession::close(session).await.expect("it is not taken any more");
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn the_same_id_handed_out_twice_is_lent_once() {
    let emulator = start(2).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let same = format!("<out><rc>0</rc><msg>OK</msg><uid>{}</uid></out>", session.user());
    emulator.fault(Fault::on("getuid").body(same));
    let error = tenten.connect().await.expect_err("it is in use");
    assert!(matches!(error, Error::Duplicate { .. }), "{error}");
    assert_eq!((emulator.book().calls("login"), emulator.book().calls("reluid")), (1, 0));
    assert_eq!(tenten.sam_report().duplicates, 1);
    TentenSession::close(session).await.expect("given back, once");
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_full_group_is_asked_again_until_there_is_an_id() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let neighbour = other_group(&emulator, "neighbour").build().expect("valid");
    let theirs = neighbour.connect().await.expect("opens");
    let waiting = tokio::spawn({
        let tenten = tenten.clone();
        async move { tenten.connect().await }
    });
    soon("three questions", emulator.until(|book| book.calls("getuid") >= 4)).await;
    TentenSession::close(theirs).await.expect("given back");
    let ours = soon("an ID", waiting).await.expect("no panic").expect("opens");
    TentenSession::close(ours).await.expect("given back");
}

#[tokio::test]
async fn a_full_group_is_not_asked_beyond_the_deadline_and_not_when_cancelled() {
    let emulator = start(1).await;
    let busy_timeout = Duration::from_millis(120);
    let tenten = group(&emulator).busy_timeout(busy_timeout).build().expect("valid");
    let _held = tenten.connect().await.expect("opens");
    let error = soon("an answer", tenten.connect()).await.expect_err("none came back");
    assert!(matches!(error, Error::Busy { retry_after: Some(_), .. }), "{error}");
    assert!(error.to_string().contains("System busy"), "{error}");

    let asked = emulator.book().calls("getuid");
    drop(cut(tenten.connect(), 1).await);
    soon("nothing under way", async {
        while tenten.sam_report().under_way > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(emulator.book().calls("getuid") <= asked + 1);
}

#[tokio::test]
async fn a_full_group_is_asked_until_the_deadline_however_long_the_pauses_are() {
    let emulator = start(1).await;
    let hour = Duration::from_secs(3600);
    let builder = group(&emulator).retry_wait(hour).busy_timeout(Duration::from_secs(1));
    let tenten = builder.build().expect("valid");
    emulator.fault(Fault::on("getuid").rc(38, "System busy, please try again"));
    drop(soon("an answer", tenten.connect()).await.expect("asked again at the deadline"));
    assert_eq!(emulator.book().calls("getuid"), 2);
}

#[tokio::test]
async fn other_errors_of_a_group_are_told_at_once() {
    let emulator = start(1).await;
    let tenten = group(&emulator).password("wrong").build().expect("valid");
    assert!(matches!(tenten.connect().await, Err(Error::Auth(_))));
    let tenten = group(&emulator).sam_pool(OWNER, "no_such_group").build().expect("valid");
    let error = tenten.connect().await.expect_err("no such group");
    assert!(matches!(error, Error::NotOwner(_)) && error.is_auth(), "{error}");
    assert_eq!(emulator.book().calls("getuid"), 2);
}

#[tokio::test]
async fn the_longest_waits_are_valid() {
    let emulator = start(1).await;
    let ever = Duration::MAX;
    let builder = group(&emulator).retry_wait(ever).busy_timeout(ever).sam_idle_timeout(ever);
    let builder = builder.connect_timeout(ever).first_byte_timeout(ever).idle_read_timeout(ever);
    let builder = builder.total_timeout(ever).lifecycle_timeout(ever).sam_reservation(ever);
    let tenten = builder.build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    let waiting = tokio::time::timeout(Duration::from_millis(50), tenten.connect());
    assert!(waiting.await.is_err(), "it waits");
    TentenSession::close(session).await.expect("given back");
}

#[tokio::test]
async fn an_id_given_back_here_is_not_waited_for() {
    let emulator = start(1).await;
    let hour = Duration::from_secs(3600);
    let tenten = group(&emulator).retry_wait(hour).busy_timeout(2 * hour).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    // It comes back between the refusal and our hearing of it.
    let refusal = emulator.fault(Fault::on("getuid").hold_reply());
    let waiting = tokio::spawn({
        let tenten = tenten.clone();
        async move { tenten.connect().await }
    });
    soon("a refusal", emulator.until(|book| book.calls("getuid") == 2)).await;
    TentenSession::close(session).await.expect("given back");
    refusal.lift();
    soon("the ID", waiting).await.expect("no panic").expect("opens");
}

#[tokio::test]
async fn a_refused_password_is_sent_again_only_when_there_is_another() {
    for (rotates, calls) in [(false, 1), (true, 2)] {
        let emulator = start(1).await;
        let asked = std::sync::atomic::AtomicBool::new(false);
        let provider = move || {
            let again = asked.swap(true, std::sync::atomic::Ordering::Relaxed);
            let password = if again && rotates { "another" } else { PASSWORD };
            async move { Ok::<_, std::io::Error>(password.to_owned()) }
        };
        let tenten = group(&emulator).password_from(provider).build().expect("valid");
        emulator.fault(Fault::on("login").rc(5, "Already logged in"));
        emulator.fault(Fault::on("reluid").rc(4, "Invalid user identification").always());
        soon("an answer", tenten.connect()).await.expect_err("refused");
        assert_eq!(emulator.book().calls("reluid"), calls);
        assert_eq!(tenten.sam_report().stuck, ["clientx_0"]);
    }
}

#[tokio::test]
async fn a_password_provider_that_panics_loses_no_id() {
    let emulator = start(1).await;
    let asked = std::sync::atomic::AtomicBool::new(false);
    let provider = move || {
        let again = asked.swap(true, std::sync::atomic::Ordering::Relaxed);
        assert!(!again, "the vault is gone");
        async { Ok::<_, std::io::Error>(PASSWORD.to_owned()) }
    };
    let tenten = group(&emulator).password_from(provider).build().expect("valid");
    emulator.fault(Fault::on("login").rc(5, "Already logged in"));
    emulator.fault(Fault::on("reluid").rc(4, "Invalid user identification"));
    soon("an answer", tenten.connect()).await.expect_err("refused");
    let report = tenten.sam_report();
    assert_eq!((report.under_way, report.stuck), (0, vec!["clientx_0".to_owned()]));
}

#[tokio::test]
async fn a_password_that_rotates_is_asked_for_each_time() {
    let emulator = start(1).await;
    let tenten = group(&emulator)
        .password_from(|| async { Ok::<_, std::io::Error>(PASSWORD.to_owned()) })
        .build()
        .expect("valid");
    TentenSession::close(tenten.connect().await.expect("opens")).await.expect("given back");
    let failing = group(&emulator)
        .password_from(|| async { Err::<String, _>(std::io::Error::other("vault is sealed")) })
        .build()
        .expect("valid");
    let error = failing.connect().await.expect_err("no password");
    assert!(matches!(error, Error::Password { .. }) && error.is_auth(), "{error}");
    assert_eq!(emulator.book().calls("getuid"), 1);
}
