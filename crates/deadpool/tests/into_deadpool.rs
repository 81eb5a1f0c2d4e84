//! A backend of ours in deadpool's own pool: every session is fit when it is lent, and
//! ended once when deadpool drops it.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::thread;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, RetainResult, TimeoutType};
use sessionpool_core::{Backend, Condition, EndsByItself, Fault, Session, SessionError};
use sessionpool_deadpool::{Guarded, IntoDeadpool};
use sessionpool_testkit::conformance::cut;
use sessionpool_testkit::{Act, Scripted, ScriptedError, Verb};
use tokio::runtime;

use common::Ours;

const LIMIT: Duration = Duration::from_secs(5);

type Manager = IntoDeadpool<Ours>;

fn manager(backend: &Scripted) -> Manager {
    IntoDeadpool::new(Ours(backend.clone()))
}

fn pool(backend: &Scripted, max_size: usize) -> Pool<Manager> {
    Pool::builder(manager(backend)).max_size(max_size).runtime(Runtime::Tokio1).build().unwrap()
}

/// So many sessions, lent at once.
async fn lent(pool: &Pool<Manager>, sessions: usize) -> Vec<Object<Manager>> {
    let mut lent = Vec::new();
    for _ in 0..sessions {
        lent.push(pool.get().await.unwrap());
    }
    lent
}

async fn close(pool: &Pool<Manager>, backend: &Scripted) {
    pool.close();
    pool.manager().drained().await;
    backend.assert_all_ended();
}

fn a_runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

// ===== lending =====

#[tokio::test]
async fn a_clean_session_is_lent_again_as_it_is() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    for _ in 0..3 {
        let mut session = pool.get().await.unwrap();
        session.write("a row").await.unwrap();
        assert_eq!(session.id(), 1);
    }
    let book = backend.book();
    assert_eq!((book.opened, book.calls(Verb::Release), book.calls(Verb::Check)), (1, 0, 0));
    close(&pool, &backend).await;
    assert_eq!(backend.book().closed, 1);
}

#[tokio::test]
async fn a_dirty_session_is_released_before_it_is_lent_again() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    let mut session = pool.get().await.unwrap();
    session.set_dirty();
    drop(session);
    assert_eq!(backend.book().calls(Verb::Release), 0, "deadpool tells nobody of a return");

    let mut session = pool.get().await.unwrap();
    assert_eq!((session.id(), session.condition()), (1, Condition::Clean));
    assert_eq!(backend.book().calls(Verb::Release), 1);

    backend.next(Verb::Write, Act::hang());
    assert!(cut(session.write("half"), 1).await.is_none());
    drop(session);
    let session = pool.get().await.unwrap();
    assert_eq!((session.id(), session.condition()), (1, Condition::Clean));
    assert_eq!(Object::metrics(&session).recycle_count, 2);
    drop(session);
    close(&pool, &backend).await;
}

#[tokio::test]
async fn a_broken_session_is_replaced() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    let mut session = pool.get().await.unwrap();
    session.lose(Fault::SessionLost);
    drop(session);
    assert_eq!(pool.get().await.unwrap().id(), 2);
    assert_eq!(backend.book().calls(Verb::Release), 0);
    backend.ended(1).await;
    close(&pool, &backend).await;
    assert_eq!(backend.book().closed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_released_is_replaced() {
    for act in [Act::fail(Fault::Other), Act::hang(), Act::panic(), Act::lose_ack()] {
        let backend = Scripted::new();
        let pool = pool(&backend, 1);
        let mut session = pool.get().await.unwrap();
        session.set_dirty();
        drop(session);
        backend.next(Verb::Release, act.clone());
        let session = pool.get().await.unwrap();
        assert_eq!((session.id(), session.condition()), (2, Condition::Clean), "{act:?}");
        drop(session);
        close(&pool, &backend).await;
        assert_eq!(backend.book().closed, 2, "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_is_bounded() {
    let backend = Scripted::new();
    let manager = manager(&backend).release_timeout(LIMIT * 2);
    let pool: Pool<Manager> = Pool::builder(manager).max_size(1).build().unwrap();
    for (takes, id) in [(LIMIT * 2 - Duration::from_millis(1), 1), (LIMIT * 3, 2)] {
        let mut session = pool.get().await.unwrap();
        session.set_dirty();
        drop(session);
        backend.next(Verb::Release, Act::take(takes));
        let begun = tokio::time::Instant::now();
        assert_eq!(pool.get().await.unwrap().id(), id);
        assert_eq!(begun.elapsed().min(LIMIT * 2), takes.min(LIMIT * 2));
    }
    close(&pool, &backend).await;
}

#[tokio::test]
async fn a_session_that_is_not_clean_after_its_release_is_replaced() {
    let backend = Scripted::new();
    let manager = IntoDeadpool::new(Untidy(backend.clone()));
    let pool: Pool<_> = Pool::builder(manager).max_size(1).build().unwrap();
    let session = pool.get().await.unwrap();
    assert_eq!(session.0.id(), 1);
    drop(session);
    assert_eq!(pool.get().await.unwrap().0.id(), 2);
    pool.close();
    pool.manager().drained().await;
    backend.assert_all_ended();
}

#[tokio::test]
async fn an_opening_that_fails_is_told_and_leaves_nothing() {
    let backend = Scripted::new();
    backend.next(Verb::Open, Act::fail(Fault::Rejected));
    let pool = pool(&backend, 1);
    let Err(PoolError::Backend(error)) = pool.get().await else { panic!("it was opened") };
    assert_eq!(error, ScriptedError::new(Verb::Open, Fault::Rejected));
    pool.manager().drained().await;
    assert_eq!(pool.get().await.unwrap().id(), 1);
    close(&pool, &backend).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_is_bounded_by_deadpool() {
    let backend = Scripted::new();
    backend.next(Verb::Open, Act::hang());
    let pool: Pool<Manager> = Pool::builder(manager(&backend))
        .create_timeout(Some(LIMIT))
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    let answer = pool.get().await;
    assert!(matches!(answer, Err(PoolError::Timeout(TimeoutType::Create))));
    close(&pool, &backend).await;
}

#[tokio::test]
async fn a_get_dropped_while_releasing_ends_the_session() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    let mut session = pool.get().await.unwrap();
    session.set_dirty();
    drop(session);
    backend.next(Verb::Release, Act::hang());
    assert!(cut(pool.get(), 1).await.is_none());
    backend.ended(1).await;
    assert_eq!(pool.get().await.unwrap().id(), 2);
    close(&pool, &backend).await;
}

// ===== ending =====

#[tokio::test]
async fn resizing_closes_what_is_too_much() {
    let backend = Scripted::new();
    let pool = pool(&backend, 4);
    let mut sessions = lent(&pool, 4).await;
    sessions.truncate(2);
    pool.resize(1);
    backend.ended(2).await;
    assert_eq!(backend.book().live, 2);

    sessions.truncate(1);
    backend.ended(3).await;
    drop(sessions);
    assert_eq!(backend.book().live, 1, "the last one stays");
    assert_eq!(pool.status().size, 1);
    close(&pool, &backend).await;
    assert_eq!(backend.book().closed, 4);
}

#[tokio::test]
async fn closing_and_dropping_the_pool_close_every_session() {
    let backend = Scripted::new();
    let pool = pool(&backend, 4);
    let mut sessions = lent(&pool, 4).await;
    sessions.truncate(2);
    pool.close();
    backend.ended(2).await;
    assert!(cut(pool.manager().drained(), 1).await.is_none(), "two are lent");

    sessions.truncate(1);
    backend.ended(3).await;
    drop(pool);
    drop(sessions);
    backend.ended(4).await;
    assert_eq!(backend.book().closed, 4);
    backend.assert_all_ended();
}

#[tokio::test]
async fn a_session_taken_or_retained_away_is_closed_when_dropped() {
    let backend = Scripted::new();
    let pool = pool(&backend, 3);
    let mut sessions = lent(&pool, 3).await;
    let taken: Guarded<_> = Object::take(sessions.remove(0));
    drop(sessions);
    let RetainResult { retained, removed } = pool.retain(|session, _| session.id() == 2);
    assert_eq!((retained, removed.len(), backend.book().live), (1, 1, 3));
    drop(removed);
    backend.ended(1).await;
    drop(taken);
    backend.ended(2).await;
    close(&pool, &backend).await;
    assert_eq!(backend.book().closed, 3);
}

#[tokio::test]
async fn a_session_can_be_had_back() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    let session = Guarded::into_session(Object::take(pool.get().await.unwrap()));
    pool.manager().drained().await;
    assert_eq!(backend.book().live, 1);
    backend.next(Verb::Close, Act::fail(Fault::Other));
    Session::close(session).await.unwrap_err();
    close(&pool, &backend).await;
}

#[tokio::test(start_paused = true)]
async fn a_close_is_bounded_and_holds_up_no_other() {
    let backend = Scripted::new();
    let manager = manager(&backend).close_timeout(LIMIT * 2);
    let pool: Pool<Manager> = Pool::builder(manager).max_size(3).build().unwrap();
    drop(lent(&pool, 3).await);
    backend.next(Verb::Close, Act::hang());
    backend.next(Verb::Close, Act::panic());
    let begun = tokio::time::Instant::now();
    pool.close();
    backend.ended(2).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    pool.manager().drained().await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!((backend.book().closed, backend.book().aborted), (1, 2));
    backend.assert_all_ended();
}

#[tokio::test]
async fn a_drop_outside_of_the_runtime_is_closed_within() {
    let backend = Scripted::new();
    let pool = pool(&backend, 2);
    let mut sessions = lent(&pool, 2).await;
    let session = sessions.pop();
    drop(sessions);
    thread::spawn(move || drop((session, pool))).join().unwrap();
    backend.ended(2).await;
    assert_eq!(backend.book().closed, 2);
    backend.assert_all_ended();
}

#[test]
fn without_a_runtime_sessions_are_aborted() {
    let backend = Scripted::new();
    let pool = pool(&backend, 2);
    let runtime = a_runtime();
    let mut sessions = runtime.block_on(lent(&pool, 2));
    drop(runtime);
    backend.next(Verb::Abort, Act::panic());
    drop(Object::take(sessions.remove(0)));
    assert_eq!(backend.book().aborted, 1);
    drop(sessions);
    assert_eq!(backend.book().aborted, 1);
    pool.close();
    assert_eq!(backend.book().aborted, 2);
    backend.assert_all_ended();
}

#[test]
fn a_session_needs_no_runtime_to_be_lent() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    // `Scripted` waits for nothing, and there is no tokio here.
    let get = || {
        let mut get = std::pin::pin!(pool.get());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match get.as_mut().poll(&mut context) {
            std::task::Poll::Ready(session) => session.unwrap(),
            std::task::Poll::Pending => panic!("it waits"),
        }
    };
    get().set_dirty();
    assert_eq!(get().condition(), Condition::Clean);
    assert_eq!(backend.book().calls(Verb::Release), 1);
    pool.close();
    assert_eq!(backend.book().aborted, 1);
    backend.assert_all_ended();
}

#[test]
fn sessions_on_their_way_when_the_runtime_goes_are_aborted() {
    let backend = Scripted::new();
    let pool = pool(&backend, 3);
    let runtime = a_runtime();
    backend.next(Verb::Close, Act::hang());
    let mut sessions = runtime.block_on(async {
        let mut sessions = lent(&pool, 3).await;
        drop(Object::take(sessions.remove(0)));
        backend.called(Verb::Close, 1).await;
        sessions
    });
    drop(Object::take(sessions.remove(0)));
    assert_eq!((backend.book().live, backend.book().aborted), (3, 0), "nobody drives it");
    drop(runtime);
    assert_eq!((backend.book().live, backend.book().aborted), (1, 2));
    drop(Object::take(sessions.remove(0)));
    assert_eq!((backend.book().live, backend.book().aborted), (0, 3));
    backend.assert_all_ended();
}

#[test]
fn the_next_runtime_takes_over() {
    let backend = Scripted::new();
    let pool = pool(&backend, 2);
    a_runtime().block_on(async { drop(lent(&pool, 1).await) });
    a_runtime().block_on(async {
        drop(pool.get().await.unwrap());
        close(&pool, &backend).await;
    });
    assert_eq!((backend.book().opened, backend.book().closed), (1, 1));
}

#[test]
fn a_manager_made_outside_of_a_runtime_closes_within() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    a_runtime().block_on(async {
        drop(pool.get().await.unwrap());
        close(&pool, &backend).await;
    });
    assert_eq!(backend.book().closed, 1);
}

#[test]
fn nothing_keeps_a_runtime_busy_when_the_pool_is_gone() {
    let backend = Scripted::new();
    let runtime = a_runtime();
    runtime.block_on(async {
        let pool = pool(&backend, 1);
        drop(pool.get().await.unwrap());
        drop(pool);
        backend.ended(1).await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
}

#[test]
fn a_runtime_without_a_clock_aborts() {
    let backend = Scripted::new();
    let pool = pool(&backend, 1);
    runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        drop(pool.get().await.unwrap());
        close(&pool, &backend).await;
    });
    assert_eq!(backend.book().aborted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_session_is_ended_once_in_a_crowd() {
    let backend = Scripted::new();
    backend.always(Verb::Close, Act::yields(2));
    let pool = pool(&backend, 4);
    let tasks = (0..8).map(|task| {
        let (pool, backend) = (pool.clone(), backend.clone());
        tokio::spawn(async move {
            for round in 0..100 {
                let mut session = pool.get().await.unwrap();
                assert_eq!(session.condition(), Condition::Clean);
                let hold = session.hold();
                tokio::task::yield_now().await;
                drop(hold);
                match (task + round) % 6 {
                    0 => session.set_dirty(),
                    1 => session.lose(Fault::SessionLost),
                    2 => drop(Object::take(session)),
                    3 => pool.resize(2 + round % 3),
                    4 => {
                        backend.next(Verb::Release, Act::yields(1).then_fail(Fault::Other));
                        session.set_dirty();
                    }
                    _ => {
                        let dropped = thread::spawn(move || drop(session));
                        dropped.join().unwrap();
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    close(&pool, &backend).await;
    let book = backend.book();
    assert_eq!((book.aborted, book.dropped), (0, 0));
}

/// A backend that breaks the rules: its sessions say they were released, and stay dirty.
struct Untidy(Scripted);

struct UntidySession(sessionpool_testkit::ScriptedSession);

impl EndsByItself for Untidy {}

impl Backend for Untidy {
    type Session = UntidySession;

    async fn open(&self) -> Result<UntidySession, SessionError<Self>> {
        self.0.open().await.map(UntidySession)
    }

    async fn check(&self, session: &mut UntidySession) -> Result<(), SessionError<Self>> {
        self.0.check(&mut session.0).await
    }
}

impl Session for UntidySession {
    type Error = ScriptedError;

    fn condition(&self) -> Condition {
        Condition::Dirty
    }

    fn classify(error: &ScriptedError) -> Fault {
        error.fault
    }

    async fn release(_: &mut Self) -> Result<(), ScriptedError> {
        Ok(())
    }

    async fn close(this: Self) -> Result<(), ScriptedError> {
        Session::close(this.0).await
    }

    fn abort(this: Self) {
        Session::abort(this.0);
    }
}
