//! A statement that was dropped is cancelled at the server, and nothing else is.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sessionpool_core::{Backend, Condition, Session, Transactional};
use sessionpool_sql::{PgSession, SqlFailure};
use tokio::time::timeout;

use crate::place::{
    Distant, Place, SOON, begin, commit, drop_half_way, failure, insert, one, release, rolled_back,
    text,
};

const LONG: &str = "select pg_sleep(3600)";

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_was_dropped_is_cancelled_and_the_session_goes_on() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let pid = session.backend_pid();
    drop_half_way(&mut session, LONG);
    place.process_becomes(&session, "state = 'active'").await;
    timeout(SOON, release(&mut session)).await.unwrap();
    place.process_becomes(&session, "state = 'idle'").await;
    assert_eq!(text(&mut session, "select 'own'").await, "own");
    assert_eq!(session.backend_pid(), pid);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_result_without_end_is_cut_off() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let endless = "select repeat('x', 1000), generate_series(1, 100000000000)";
    assert!(sqlx::query(endless).fetch(&mut session).next().await.unwrap().is_ok());
    timeout(SOON, release(&mut session)).await.unwrap();
    assert_eq!(text(&mut session, "select 'own'").await, "own");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_borrower_who_goes_on_does_not_wait_for_what_he_dropped() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, LONG);
    let own = timeout(SOON, text(&mut session, "select 'own'")).await.unwrap();
    assert_eq!(own, "own");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_read_dropped_in_a_unit_is_waited_for_and_costs_it_nothing() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, "select pg_sleep(0.2)");
    insert(&mut session, 2).await;
    drop_half_way(&mut session, "select pg_sleep(0.2)");
    commit(&mut session).await;
    assert_eq!(place.rows().await, [1, 2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_commit_does_not_wait_for_ever_for_a_read_that_was_dropped() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    insert(&mut session, 1).await;
    drop_half_way(&mut session, LONG);
    let outcome = timeout(SOON, PgSession::commit(&mut session)).await.unwrap();
    let error = rolled_back(outcome);
    let SqlFailure::PendingRollback { source, .. } = failure(&error) else { panic!("{error:?}") };
    assert_eq!(source.code, "57014");
    assert!(place.rows().await.is_empty());
    insert(&mut session, 2).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_unit_whose_write_was_dropped_is_rolled_back_at_once() {
    let place = Place::new().await;
    let mut session = place.session().await;
    begin(&mut session).await;
    drop_half_way(&mut session, "insert into t select 1 from pg_sleep(3600)");
    let outcome = timeout(SOON, PgSession::rollback(&mut session)).await.unwrap();
    outcome.unwrap();
    insert(&mut session, 2).await;
    assert_eq!(place.rows().await, [2]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_closed_session_leaves_no_statement_running() {
    let place = Place::new().await;
    let mut session = place.session().await;
    let pid = session.backend_pid().unwrap();
    drop_half_way(&mut session, LONG);
    place.process_becomes(&session, "state = 'active'").await;
    timeout(SOON, PgSession::close(session)).await.unwrap().unwrap();
    place.gone(pid).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_aborted_session_is_noticed_by_the_server() {
    let place = Place::new().await;
    let postgres = place.postgres().peer_check(Duration::from_millis(50));
    let mut session = postgres.open().await.unwrap();
    let pid = session.backend_pid().unwrap();
    drop_half_way(&mut session, LONG);
    place.process_becomes(&session, "state = 'active'").await;
    PgSession::abort(session);
    place.gone(pid).await;
}

/// The statement comes to its end by itself at about the time it is cancelled: the
/// signal must find it, or nothing.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_cancelling_never_hits_what_comes_next() {
    let place = Place::new().await;
    let mut session = place.session().await;
    for _ in 0..40 {
        // If this comes to its end at once, it is none of the cases that count.
        let sleep = sqlx::query("select pg_sleep(0.018 + random() * 0.02)");
        let _ = sleep.execute(&mut session).now_or_never();
        PgSession::release(&mut session).await.unwrap();
        for _ in 0..3 {
            assert_eq!(one(&mut session, "select 7::bigint from pg_sleep(0.001)").await, 7);
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_cancelling_dropped_half_way_ends_the_session() {
    let place = Place::new().await;
    let mut dropped = 0;
    for wait in 20..60 {
        let mut session = place.session().await;
        drop_half_way(&mut session, "select pg_sleep(30)");
        let release = PgSession::release(&mut session);
        if timeout(Duration::from_millis(wait), release).await.is_ok() {
            continue;
        }
        dropped += 1;
        match PgSession::release(&mut session).await {
            // It had not begun.
            Ok(()) => assert_eq!(text(&mut session, "select 'own'").await, "own"),
            Err(error) => {
                assert!(matches!(failure(&error), SqlFailure::CancelInDoubt), "{error}");
                assert!(matches!(session.condition(), Condition::Broken(_)));
            }
        }
        PgSession::close(session).await.unwrap();
    }
    assert!(dropped > 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn many_are_cancelled_over_one_connection_and_it_goes_when_nobody_needs_it() {
    let place = Place::new().await;
    let postgres = place.postgres();
    let mut sessions = Vec::new();
    for _ in 0..20 {
        let mut session = postgres.open().await.unwrap();
        drop_half_way(&mut session, LONG);
        sessions.push(session);
    }
    let beside = "select count(*) from pg_stat_activity \
         where application_name = 'sessionpool, to cancel' and datname = current_database()";
    let most = async {
        let mut most = 0;
        loop {
            most = most.max(place.look(beside).await);
            assert!(most <= 1, "{most} connections beside the sessions");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let released = async {
        let released = sessions.iter_mut().map(PgSession::release);
        for released in futures_util::future::join_all(released).await {
            released.unwrap();
        }
    };
    tokio::select! {
        _ = most => {}
        done = timeout(SOON, released) => done.unwrap(),
    }
    place.becomes(0, beside).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_frozen_process_is_not_waited_for_longer_than_asked() {
    let place = Place::new().await;
    let mut session = place.session().await;
    drop_half_way(&mut session, LONG);
    place.process_becomes(&session, "state = 'active'").await;
    let pid = session.backend_pid().unwrap();
    place.server.freeze_backend(pid);
    let limit = Duration::from_millis(300);
    assert!(timeout(limit, PgSession::release(&mut session)).await.is_err());
    assert_eq!(session.condition(), Condition::Busy);
    // The pool ends it now, and that must not wait either.
    let _ = timeout(limit, PgSession::close(session)).await;
    place.server.thaw_backend(pid);
    place.gone(pid).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_statement_dropped_before_it_was_sent_does_not_run() {
    let distant = Distant::new().await;
    let mut session = distant.session().await;
    // The first poll sends it to be prepared, and no further.
    let insert = sqlx::query("insert into t values (1)").execute(&mut session);
    assert!(insert.now_or_never().is_none());
    release(&mut session).await;
    assert!(distant.place.rows().await.is_empty());
}
