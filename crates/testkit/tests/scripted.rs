//! The scripted backend's own book: what it reports, and what it lets pass.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are a test too")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sessionpool_core::{
    Backend, CommitOutcome, Condition, Fault, Session, Transactional, TxOptions,
};
use sessionpool_testkit::{Act, Scripted, ScriptedError, ScriptedSession, Verb};

const AWHILE: Duration = Duration::from_secs(1);

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    panic.downcast::<String>().map_or_else(|_| "not a text".to_owned(), |text| *text)
}

async fn cut<F: Future>(future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

/// A session with a transaction open and one row pending.
async fn with_pending(backend: &Scripted) -> ScriptedSession {
    let mut session = backend.open().await.unwrap();
    Transactional::begin(&mut session, &TxOptions::new()).await.unwrap();
    session.write("pending").await.unwrap();
    session
}

#[tokio::test]
async fn two_holders_are_reported() {
    let backend = Scripted::new();
    backend.forgive();
    let session = backend.open().await.unwrap();
    let first = session.hold();
    assert_eq!(backend.book().held, 1);
    let second = session.hold();
    drop((first, second));
    Session::abort(session);
    assert_eq!(backend.book().violations, ["session 1 has two holders"]);
}

#[tokio::test]
async fn one_holder_after_another_is_fine() {
    let backend = Scripted::new();
    let session = backend.open().await.unwrap();
    drop(session.hold());
    drop(session.hold());
    Session::close(session).await.unwrap();
    backend.assert_all_ended();
}

#[tokio::test]
async fn the_pool_at_a_held_session_is_reported() {
    let backend = Scripted::new();
    backend.forgive();
    let mut session = backend.open().await.unwrap();
    let hold = session.hold();
    backend.check(&mut session).await.unwrap();
    drop(hold);
    Session::abort(session);
    assert_eq!(backend.book().violations, ["check of session 1 while it is held"]);
}

#[tokio::test]
async fn ended_twice_is_reported() {
    let backend = Scripted::new();
    backend.forgive();
    let session = backend.open().await.unwrap();
    Session::abort(session.twin());
    Session::close(session).await.unwrap();
    assert_eq!(backend.book().violations, ["session 1 was ended twice"]);
}

#[tokio::test]
async fn dropped_is_reported() {
    let backend = Scripted::new();
    let session = backend.open().await.unwrap();
    drop(session);
    let book = backend.book();
    assert_eq!((book.dropped, book.live), (1, 0));

    let dropped = catch_unwind(AssertUnwindSafe(|| drop(backend))).unwrap_err();
    assert_eq!(
        message(dropped),
        "the scripted backend was ill-used: session 1 was dropped without being ended"
    );
}

#[tokio::test]
async fn forgiven_is_not_punished() {
    let backend = Scripted::new();
    backend.forgive();
    drop(backend.open().await.unwrap());
    drop(backend);
}

#[tokio::test]
async fn never_ended_is_reported() {
    let backend = Scripted::new();
    let session = backend.open().await.unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| backend.assert_all_ended())).unwrap_err();
    assert!(message(panic).starts_with("sessions never ended: [1]"));
    Session::close(session).await.unwrap();
    backend.assert_all_ended();
}

#[tokio::test]
async fn more_than_allowed_is_reported() {
    let backend = Scripted::new().at_most(1);
    backend.forgive();
    let first = backend.open().await.unwrap();
    let second = backend.open().await.unwrap();
    Session::close(first).await.unwrap();
    Session::close(second).await.unwrap();
    let book = backend.book();
    assert_eq!(book.peak, 2);
    assert_eq!(book.violations, ["2 sessions live where 1 are allowed"]);
}

#[tokio::test(start_paused = true)]
async fn opening_and_closing_count_as_live() {
    let backend = Scripted::new();
    backend.next(Verb::Open, Act::take(AWHILE)).next(Verb::Close, Act::take(AWHILE));
    let mut opening = Box::pin(backend.open());
    assert!(cut(opening.as_mut()).await.is_none());
    assert_eq!((backend.book().opening, backend.book().live), (1, 1));

    let mut closing = Box::pin(Session::close(opening.await.unwrap()));
    assert!(cut(closing.as_mut()).await.is_none());
    assert_eq!((backend.book().opening, backend.book().live), (0, 1));
    closing.await.unwrap();
    assert_eq!((backend.book().closed, backend.book().live), (1, 0));
}

#[tokio::test]
async fn dropped_open_leaves_nothing() {
    let backend = Scripted::new();
    backend.next(Verb::Open, Act::hang());
    assert!(cut(backend.open()).await.is_none());
    let book = backend.book();
    assert_eq!((book.open_calls, book.opened, book.live), (1, 0, 0));
    backend.assert_all_ended();
}

#[tokio::test]
async fn dropped_close_ends_as_abort_does() {
    let backend = Scripted::new();
    backend.next(Verb::Close, Act::hang());
    let (begun, not_begun) = (backend.open().await.unwrap(), backend.open().await.unwrap());
    assert!(cut(Session::close(begun)).await.is_none());
    drop(Session::close(not_begun));
    assert_eq!((backend.book().aborted, backend.book().closed), (2, 0));
    backend.assert_all_ended();
}

#[tokio::test]
async fn failed_close_ends_too() {
    let backend = Scripted::new();
    backend.next(Verb::Close, Act::fail(Fault::Other));
    let session = backend.open().await.unwrap();
    let error = Session::close(session).await.unwrap_err();
    assert_eq!(error, ScriptedError::new(Verb::Close, Fault::Other));
    backend.assert_all_ended();
}

#[tokio::test]
async fn acts_are_played_in_order_then_the_standing_one() {
    let backend = Scripted::new();
    backend
        .always(Verb::Open, Act::fail(Fault::Rejected))
        .next(Verb::Open, Act::fail(Fault::Transient))
        .next(Verb::Open, Act::succeed());
    let first = backend.open().await.unwrap_err();
    Session::abort(backend.open().await.unwrap());
    let third = backend.open().await.unwrap_err();
    assert_eq!((first.fault, third.fault), (Fault::Transient, Fault::Rejected));
    assert_eq!(backend.book().calls(Verb::Open), 3);
}

#[tokio::test]
async fn a_scripted_panic_leaves_nothing_open() {
    let backend = Scripted::new();
    backend.next(Verb::Open, Act::panic()).next(Verb::Abort, Act::panic());
    let opener = backend.clone();
    let panic = tokio::spawn(async move { opener.open().await.map(|_| ()) }).await.unwrap_err();
    assert_eq!(message(panic.into_panic()), "scripted panic in open");

    let session = backend.open().await.unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| Session::abort(session))).unwrap_err();
    assert_eq!(message(panic), "scripted panic in abort");
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn events_resolve_when_they_happen() {
    let backend = Scripted::new();
    backend.always(Verb::Open, Act::take(AWHILE));
    let opener = backend.clone();
    let task = tokio::spawn(async move { Session::abort(opener.open().await.unwrap()) });
    backend.called(Verb::Open, 1).await;
    assert_eq!(backend.book().opening, 1);
    backend.ended(1).await;
    assert_eq!(backend.book().aborted, 1);
    task.await.unwrap();
}

#[tokio::test]
async fn lost_sessions_find_out_at_the_next_call() {
    let backend = Scripted::new();
    let (mut lost, mut touched) = (backend.open().await.unwrap(), backend.open().await.unwrap());
    backend.lose_sessions();
    let mut fresh = backend.open().await.unwrap();

    assert_eq!(lost.condition(), Condition::Clean);
    assert_eq!(backend.check(&mut lost).await.unwrap_err().fault, Fault::SessionLost);
    assert_eq!(lost.condition(), Condition::Broken(Fault::SessionLost));
    touched.touch();
    assert_eq!(touched.condition(), Condition::Broken(Fault::SessionLost));
    backend.check(&mut fresh).await.unwrap();
    for session in [lost, touched, fresh] {
        Session::abort(session);
    }
}

#[tokio::test]
async fn dropped_calls_leave_the_session_busy_until_released() {
    let backend = Scripted::new();
    backend.next(Verb::Write, Act::hang());
    let mut session = backend.open().await.unwrap();
    assert!(cut(session.write("half")).await.is_none());
    assert_eq!(session.condition(), Condition::Busy);
    assert_eq!(session.write("next").await.unwrap_err().fault, Fault::Other);
    Session::release(&mut session).await.unwrap();
    assert_eq!(session.condition(), Condition::Clean);
    assert!(backend.committed().is_empty());
    Session::abort(session);
}

#[tokio::test]
async fn a_fault_that_ends_the_session_breaks_it() {
    let backend = Scripted::new();
    backend.next(Verb::Release, Act::fail(Fault::Other));
    backend.next(Verb::Release, Act::fail(Fault::BackendLost));
    let mut session = backend.open().await.unwrap();
    Session::release(&mut session).await.unwrap_err();
    assert_eq!(session.condition(), Condition::Dirty);
    Session::release(&mut session).await.unwrap_err();
    assert_eq!(session.condition(), Condition::Broken(Fault::BackendLost));
    Session::abort(session);
}

#[tokio::test]
async fn misuse_of_transactions_is_reported() {
    let backend = Scripted::new();
    backend.forgive();
    let mut session = with_pending(&backend).await;
    Transactional::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    Session::release(&mut session).await.unwrap();
    session.set_dirty();
    Transactional::begin(&mut session, &TxOptions::new()).await.unwrap_err();
    assert!(matches!(Transactional::commit(&mut session).await, CommitOutcome::RolledBack(_)));
    Session::abort(session);
    assert_eq!(
        backend.book().violations,
        [
            "begin inside a transaction (session 1)",
            "begin on a session lent unclean (session 1)",
            "commit outside a transaction (session 1)",
        ]
    );
}

#[tokio::test]
async fn commits_end_as_they_are_told() {
    let script = [
        (Act::succeed(), "committed", true),
        (Act::roll_back(), "rolled back", false),
        (Act::fail(Fault::Conflict), "rolled back", false),
        (Act::fail(Fault::OutcomeUnknown), "unknown", false),
        (Act::fail(Fault::SessionLost), "unknown", false),
        (Act::lose_ack(), "unknown", true),
    ];
    for (act, outcome, durable) in script {
        let backend = Scripted::new();
        backend.next(Verb::Commit, act);
        let mut session = with_pending(&backend).await;
        let answer = match Transactional::commit(&mut session).await {
            CommitOutcome::Committed => "committed",
            CommitOutcome::RolledBack(_) => "rolled back",
            CommitOutcome::Unknown(_) => "unknown",
        };
        assert_eq!((answer, backend.committed().len()), (outcome, usize::from(durable)));
        assert_ne!(session.condition(), Condition::Dirty, "a transaction was left open");
        Session::abort(session);
    }
}

#[tokio::test]
async fn a_read_only_transaction_refuses_writes() {
    let backend = Scripted::new();
    let mut session = backend.open().await.unwrap();
    let options = TxOptions::new().read_only();
    Transactional::begin(&mut session, &options).await.unwrap();
    assert_eq!(session.transaction(), Some(&options));
    assert_eq!(session.write("no").await.unwrap_err().fault, Fault::Other);
    assert!(matches!(Transactional::commit(&mut session).await, CommitOutcome::Committed));
    assert!(backend.committed().is_empty());
    Session::abort(session);
}

#[tokio::test]
async fn rows_wait_for_their_transaction() {
    let backend = Scripted::new();
    let mut session = with_pending(&backend).await;
    assert!(backend.committed().is_empty());
    let mark = Transactional::savepoint(&mut session).await.unwrap();
    session.write("undone").await.unwrap();
    Transactional::rollback_to(&mut session, mark).await.unwrap();
    assert!(matches!(Transactional::commit(&mut session).await, CommitOutcome::Committed));
    session.write("at once").await.unwrap();
    assert_eq!(backend.committed(), ["pending", "at once"]);
    Session::close(session).await.unwrap();
}
