//! Logins that are refused, groups that are full, sessions that are gone.

use std::time::Duration;

use sessionpool_core::{Condition, Fault as Class, Pool, Session};
use sessionpool_emulator::Fault;
use sessionpool_tenten::{ConfigError, Error, LoginType, Query, Tenten, TentenSession};

use super::{fetch, log_in, session};
use crate::common::{NUMBERS, PASSWORD, USER, all_free, gateway, group, live, soon, start, user};

#[tokio::test]
async fn g1_a_rejected_login_is_rejected_for_good() {
    for rc in [3, 4] {
        let (_, error) = log_in(Fault::on("login").rc(rc, "Invalid user identification")).await;
        assert!(matches!(error, Error::Auth(_)) && error.is_auth() && !error.is_retryable());
        assert_eq!(TentenSession::classify(&error), Class::Rejected);
    }
}

#[tokio::test]
async fn g2_a_locked_account_is_rejected_with_the_gateways_words() {
    let (_, error) = log_in(Fault::on("login").rc(4, "Password expired")).await;
    assert!(error.is_auth() && error.to_string().ends_with("Password expired"), "{error}");
}

#[tokio::test]
async fn g3_an_address_that_is_not_allowed_is_rejected() {
    let (_, error) = log_in(Fault::on("login").rc(39, "not at an authorized IP address")).await;
    assert!(error.is_auth(), "{error}");
}

#[tokio::test]
async fn g4_a_session_that_is_there_already_is_told() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    TentenSession::close(tenten.connect().await.expect("opens")).await.expect("left warm");
    let careful = group(&emulator).login_type(LoginType::NoKill).build().expect("valid");
    let error = careful.connect().await.expect_err("it is warm");
    assert!(matches!(error, Error::SessionConflict(_)), "{error}");
    all_free(&emulator).await;
}

#[tokio::test]
async fn g5_a_login_type_must_be_chosen() {
    let builder = Tenten::builder("https://www2.1010data.com/cgi-bin/gw").user(USER);
    let error = builder.password(PASSWORD).build().expect_err("no default");
    assert!(matches!(error, ConfigError::Missing { setting: "login_type", .. }), "{error}");
}

#[tokio::test]
async fn g6_a_full_group_is_remote_capacity() {
    let emulator = start(1).await;
    let patience = Duration::from_millis(100);
    let tenten = group(&emulator).busy_timeout(patience).build().expect("valid");
    let full = emulator.fault(Fault::on("getuid").rc(38, "System busy, please try again").always());
    let error = soon("an answer", tenten.connect()).await.expect_err("full");
    assert!(matches!(TentenSession::classify(&error), Class::Busy { retry_after: Some(_) }));
    full.lift();
    emulator.fault(Fault::on("getuid").rc(1, "System busy, please try again"));
    drop(group(&emulator).build().expect("valid").connect().await.expect("asked again"));
}

#[tokio::test]
async fn g13_a_session_that_is_gone_is_lost() {
    let (emulator, session, error) = fetch(Fault::on("querydata").rc(35, "not logged in")).await;
    assert!(error.session_lost() && TentenSession::classify(&error).ends_session());
    assert_eq!(session.condition(), Condition::Broken(Class::SessionLost));
    drop((emulator, session));
}

#[tokio::test]
async fn g14_a_session_ended_by_another_login_is_lost() {
    let emulator = start(1).await;
    let mut ours = session(&emulator).await;
    let theirs = session(&emulator).await;
    let error = Query::new(NUMBERS, "").run(&mut ours).await.expect_err("ended");
    assert!(error.session_lost(), "{error}");
    TentenSession::close(ours).await.expect("nothing to end");
    assert_eq!(live(&emulator), 1, "theirs is left alone");
    drop(theirs);
}

#[tokio::test]
async fn g16_a_busy_gateway_is_told_and_nobody_is_reset() {
    let (emulator, session, error) = fetch(Fault::on("querydata").rc(38, "System is busy")).await;
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert_eq!(session.condition(), Condition::Clean);
    assert_eq!(emulator.book().calls("resetpool"), 0);
}

#[tokio::test]
async fn g17_sessions_that_all_end_at_once_are_opened_anew_a_few_at_a_time() {
    let emulator = start(6).await;
    let tenten = group(&emulator).build().expect("valid");
    let builder = Pool::builder(tenten.clone()).max_size(6).check_after_idle(Duration::ZERO);
    let pool = builder.build().expect("valid");
    let mut leases = Vec::new();
    for _ in 0..6 {
        leases.push(pool.acquire().await.expect("lent"));
    }
    drop(leases);
    let operator = user(&emulator, LoginType::Possess).user(crate::common::OWNER);
    let operator = operator.sam_pool(crate::common::OWNER, crate::common::GROUP).build();
    operator.expect("valid").reset_pool().await.expect("reset");
    let slow = emulator.fault(Fault::on("login").always().delay(Duration::from_millis(20)));
    let waiting: Vec<_> = (0..6)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut session = pool.acquire().await.expect("lent");
                Query::new(NUMBERS, "").run(&mut session).await.expect("it lives");
                assert!(pool.status().opening <= 2);
                tokio::time::sleep(Duration::from_millis(50)).await;
            })
        })
        .collect();
    for task in waiting {
        soon("a session", task).await.expect("no panic");
    }
    drop(slow);
    assert!(pool.close(Duration::from_secs(5)).await.is_complete());
    all_free(&emulator).await;
}

#[tokio::test]
async fn g37_a_session_whose_query_runs_on_is_not_lent() {
    let emulator = gateway(1).start().await.expect("starts");
    let tenten = user(&emulator, LoginType::Kill).total_timeout(Duration::from_millis(100));
    let pool = Pool::builder(tenten.build().expect("valid")).build().expect("valid");
    let mut session = pool.acquire().await.expect("lent");
    emulator.fault(Fault::on("query").take(Duration::from_secs(3600)));
    let error = Query::new(NUMBERS, "").run(&mut session).await.expect_err("too long");
    assert!(matches!(error, Error::TimedOut(_)), "{error}");
    drop(session);
    let mut next = soon("another session", pool.acquire()).await.expect("lent");
    assert_eq!(pool.status().counters.closed.broken, 1);
    assert_eq!(emulator.book().sessions_ended, 1, "its query with it");
    Query::new(NUMBERS, "").run(&mut next).await.expect("runs");
}
