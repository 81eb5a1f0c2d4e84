//! How a session ends, by how it was opened; and what a login does to one that is there.

use sessionpool_core::Session;
use sessionpool_emulator::{Emulator, Fault};
use sessionpool_tenten::{Error, LoginType, Query, TentenSession};

use crate::common::{NUMBERS, USER, all_free, group, live, soon, start, user};

const ALL: [LoginType; 3] = [LoginType::Possess, LoginType::Kill, LoginType::NoKill];

/// The transactions, in order, without those of a query.
fn lifecycle(emulator: &Emulator) -> Vec<String> {
    emulator.requests().into_iter().map(|request| request.api).collect()
}

#[tokio::test]
async fn a_single_users_possessed_session_runs_on() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Possess).build().expect("valid");
    TentenSession::close(tenten.connect().await.expect("opens")).await.expect("closes");
    assert_eq!(lifecycle(&emulator), ["login"]);
    assert_eq!(live(&emulator), 1);
}

#[tokio::test]
async fn a_single_users_own_session_is_logged_out() {
    for kind in [LoginType::Kill, LoginType::NoKill] {
        let emulator = start(1).await;
        let tenten = user(&emulator, kind).build().expect("valid");
        TentenSession::close(tenten.connect().await.expect("opens")).await.expect("closes");
        assert_eq!(lifecycle(&emulator), ["login", "logout"], "{kind:?}");
        assert_eq!(live(&emulator), 0);
    }
}

#[tokio::test]
async fn a_sam_session_gives_its_id_back_and_is_never_logged_out() {
    for kind in ALL {
        let emulator = start(1).await;
        let tenten = group(&emulator).login_type(kind).build().expect("valid");
        TentenSession::close(tenten.connect().await.expect("opens")).await.expect("closes");
        assert_eq!(lifecycle(&emulator), ["getuid", "login", "reluid"], "{kind:?}");
        let release = emulator.requests().pop().expect("three");
        assert!(release.with_sid && release.gid.is_some());
        assert_eq!((live(&emulator), emulator.book().held().len()), (1, 0));
        assert!(tenten.sam_report().is_settled());
    }
}

#[tokio::test]
async fn every_login_says_what_it_does_to_a_session() {
    for (kind, sent) in ALL.into_iter().zip(["possess", "yes", "no"]) {
        let emulator = start(1).await;
        drop(user(&emulator, kind).build().expect("valid").connect().await.expect("opens"));
        drop(group(&emulator).login_type(kind).build().expect("valid").connect().await);
        let requests = emulator.requests();
        let logins: Vec<_> = requests.iter().filter(|request| request.api == "login").collect();
        assert_eq!(logins.len(), 2);
        assert!(logins.iter().all(|login| login.kill.as_deref() == Some(sent)), "{logins:?}");
    }
}

#[tokio::test]
async fn a_login_meets_a_running_session_as_its_type_says() {
    let emulator = start(1).await;
    let connect = async |kind| user(&emulator, kind).build().expect("valid").connect().await;
    let mut first = connect(LoginType::Possess).await.expect("none there");
    let mut query = Query::new(NUMBERS, "");

    let taken_part = connect(LoginType::Possess).await.expect("possessed");
    query.run(&mut first).await.expect("still valid");
    assert_eq!(live(&emulator), 1);
    let refused = connect(LoginType::NoKill).await.expect_err("there is one");
    assert!(matches!(refused, Error::SessionConflict(_)), "{refused}");
    query.run(&mut first).await.expect("left alone");
    let killed = connect(LoginType::Kill).await.expect("the other one is ended");
    let error = query.run(&mut first).await.expect_err("ended");
    assert!(error.session_lost(), "{error}");
    assert_eq!(emulator.book().sessions_ended, 1);
    drop((taken_part, killed));
}

#[tokio::test]
async fn what_is_gone_already_is_closed() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).build().expect("valid");
    let mut session = tenten.connect().await.expect("opens");
    let _other = tenten.connect().await.expect("kills the first");
    Query::new(NUMBERS, "").run(&mut session).await.expect_err("gone");
    TentenSession::close(session).await.expect("nothing to end");
    assert_eq!(emulator.book().calls("logout"), 0);
    // One that does not know yet is told, and content.
    let again = tenten.connect().await.expect("kills the second");
    TentenSession::close(again).await.expect("logged out");
}

#[tokio::test]
async fn an_id_whose_session_is_gone_goes_back_by_the_clear_password() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    for knows in [false, true] {
        let mut session = tenten.connect().await.expect("opens");
        let member = user(&emulator, LoginType::Kill).user(session.user()).build().expect("valid");
        TentenSession::close(member.connect().await.expect("kills it")).await.expect("out");
        if knows {
            Query::new(NUMBERS, "").run(&mut session).await.expect_err("gone");
        }
        let before = emulator.book().calls("reluid");
        TentenSession::close(session).await.expect("given back");
        let requests = emulator.requests();
        assert!(!requests.last().expect("some").with_sid);
        assert_eq!(emulator.book().calls("reluid") - before, if knows { 1 } else { 2 });
        all_free(&emulator).await;
    }
    assert!(tenten.sam_report().is_settled());
}

#[tokio::test]
async fn a_dropped_session_ends_as_a_closed_one() {
    let emulator = start(1).await;
    let own = user(&emulator, LoginType::Kill).build().expect("valid");
    drop(own.connect().await.expect("opens"));
    soon("the logout", emulator.until(|book| book.sessions_ended == 1)).await;

    let tenten = group(&emulator).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    std::thread::spawn(move || drop(session)).join().expect("no runtime there, and no panic");
    all_free(&emulator).await;

    let session = tenten.connect().await.expect("opens");
    let task = tokio::spawn(async move {
        let _session = session;
        panic!("with a session in hand");
    });
    task.await.expect_err("it panicked");
    all_free(&emulator).await;
    assert_eq!(emulator.book().calls("reluid"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_outlives_its_runtime_gives_its_id_back() {
    let emulator = start(1).await;
    let tenten = group(&emulator).build().expect("valid");
    let opened = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let session = runtime.expect("starts").block_on(tenten.connect()).expect("opens");
        (tenten, session)
    });
    let (tenten, session) = opened.join().expect("no panic");
    drop(session);
    all_free(&emulator).await;
    soon("the report", async {
        while !tenten.sam_report().is_settled() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_logout_is_told() {
    let emulator = start(1).await;
    let tenten = user(&emulator, LoginType::Kill).build().expect("valid");
    let session = tenten.connect().await.expect("opens");
    emulator.fault(Fault::on("logout").uid(USER).rc(41, "1010data is unavailable"));
    let error = TentenSession::close(session).await.expect_err("refused");
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}
