//! A SAM group as a whole.

use sessionpool_core::Session;
use sessionpool_emulator::Fault;
use sessionpool_tenten::{BaseQuery, Doubt, Error, LoginType, TentenSession};

use crate::common::{NUMBERS, all_free, group, live, other_group, start, start_with, user};

fn queries() -> [BaseQuery; 2] {
    [BaseQuery::new(NUMBERS, ""), BaseQuery::new(NUMBERS, "<sel value=\"(n&lt;10)\"/>")]
}

#[tokio::test]
async fn warming_logs_in_every_free_id_and_says_how_many() {
    let emulator = start(4).await;
    let tenten = group(&emulator).build().expect("valid");
    let taken = tenten.connect().await.expect("opens");
    assert_eq!(tenten.warm_pool(&queries()).await.expect("warmed"), 3);
    assert_eq!((live(&emulator), emulator.book().held().len()), (4, 1));
    assert_eq!(emulator.book().calls("query"), 6);
    assert_eq!(emulator.book().calls("logout"), 0);
    drop(taken);
    all_free(&emulator).await;
}

#[tokio::test]
async fn what_is_done_to_a_group_stands_in_the_log_file() {
    let emulator = start(2).await;
    let folder = tempfile::tempdir().expect("made");
    let log = folder.path().join("gateway.log");
    let tenten = group(&emulator).log_file(&log).build().expect("valid");
    tenten.warm_pool(&queries()).await.expect("warmed");
    tenten.sam_status().await.expect("told");
    tenten.flush_pool().await.expect("flushed");
    tenten.reset_pool().await.expect("reset");
    let log = std::fs::read_to_string(&log).expect("written");
    let begins = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut calls: Vec<String> = log.lines().map(begins).collect();
    assert_eq!(calls.split_off(calls.len() - 3), ["samstatus", "flushpool", "resetpool"]);
    let count = |api: &str| calls.iter().filter(|call| *call == api).count();
    // The last of three finds none free.
    assert_eq!(["getuid", "login", "query", "reluid"].map(count), [3, 2, 4, 2]);
}

#[tokio::test]
async fn warming_gives_everything_back_when_a_query_fails() {
    let emulator = start(3).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(Fault::on("query").skip(3).rc(17, "no such table"));
    let error = tenten.warm_pool(&queries()).await.expect_err("the fourth query fails");
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    assert!(emulator.book().held().is_empty());
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_busy_login_is_not_the_end_of_warming() {
    let emulator = start(3).await;
    let tenten = group(&emulator).build().expect("valid");
    emulator.fault(Fault::on("login").skip(1).rc(38, "System busy, please try again"));
    let error = tenten.warm_pool(&[]).await.expect_err("an ID is cold");
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(emulator.book().held().is_empty());
}

#[tokio::test]
async fn a_group_is_looked_at_without_logging_in() {
    let elements = ("ids".to_owned(), "entry".to_owned());
    let emulator = start_with(3, |choices| choices.status_elements = elements).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    tenten.flush_pool().await.expect("flushed");
    let members = tenten.sam_status().await.expect("told");
    let of = |user: &str| members.iter().find(|member| member.user == user).expect("there");
    let busy = of(session.user());
    assert!(busy.logged_in && busy.marked && !busy.free);
    let free = of("clientx_2");
    assert!(free.free && !free.logged_in && !free.marked);
    assert_eq!(emulator.book().calls("login"), 1);
    TentenSession::close(session).await.expect("given back");
    assert_eq!(live(&emulator), 0, "a marked session ends with its release");
}

#[tokio::test]
async fn warming_by_the_gateway_and_resetting_are_there() {
    let emulator = start(3).await;
    let tenten = group(&emulator).build().expect("valid");
    tenten.warm_unused().await.expect("warmed");
    assert_eq!(live(&emulator), 3);
    let session = tenten.connect().await.expect("opens");
    tenten.reset_pool().await.expect("reset");
    assert_eq!((live(&emulator), emulator.book().held().len()), (0, 0));
    drop(session);
}

#[tokio::test]
async fn after_a_reset_nobody_elses_id_is_given_back() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    tenten.reset_pool().await.expect("reset");
    let neighbour = other_group(&emulator, "neighbour").build().expect("valid");
    let theirs = neighbour.connect().await.expect("it is free");
    assert_eq!(theirs.user(), session.user());
    TentenSession::close(session).await.expect("nothing to give back");
    assert_eq!((emulator.book().calls("reluid"), emulator.book().held().len()), (0, 1));
    assert!(tenten.sam_report().is_settled());
    TentenSession::close(theirs).await.expect("given back");
}

#[tokio::test]
async fn a_reset_whose_answer_was_lost_leaves_doubts() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    emulator.fault(Fault::on("resetpool").lose_reply());
    tenten.reset_pool().await.expect_err("lost");
    TentenSession::close(session).await.expect("nothing is done about it");
    assert_eq!(emulator.book().calls("reluid"), 0);
    let doubt = Doubt::GivenBack { uid: "clientx_0".to_owned() };
    assert_eq!(tenten.sam_report().in_doubt, [doubt]);
}

#[tokio::test]
async fn a_gateway_without_samstatus_says_so() {
    let emulator = start_with(1, |choices| choices.has_samstatus = false).await;
    let tenten = group(&emulator).build().expect("valid");
    let error = tenten.sam_status().await.expect_err("too old");
    assert_eq!(error.rc(), Some(7));
}

#[tokio::test]
async fn a_single_user_has_no_group() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Possess).build().expect("valid");
    assert!(matches!(tenten.warm_pool(&[]).await, Err(Error::Unusable(_))));
    assert!(matches!(tenten.sam_status().await, Err(Error::Unusable(_))));
    assert!(tenten.sam_report().is_settled());
}
