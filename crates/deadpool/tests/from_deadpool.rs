//! A manager in our pool: when it is called, with what, and what its answers do.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadpool::managed::{Hook, HookError};
use sessionpool_core::{
    AcquireError, Backend, Condition, Fault, Lease, Pool, ReleaseError, Session,
};
use sessionpool_deadpool::{DeadpoolError, DeadpoolSession, FromDeadpool, IntoDeadpool};
use sessionpool_testkit::conformance::cut;

use common::{Act, Exchange, Trouble};

const AWHILE: Duration = Duration::from_secs(5);

type Calls = DeadpoolSession<Exchange>;

fn pool(exchange: &Exchange) -> Pool<Calls> {
    Pool::builder(FromDeadpool::new(exchange.clone())).max_size(1).build().unwrap()
}

/// Borrows a session and uses it.
async fn used(pool: &Pool<Calls>) -> Lease<Calls> {
    let mut lease = pool.acquire().await.unwrap();
    lease.ask(1).await.unwrap();
    lease
}

async fn close(pool: &Pool<Calls>, exchange: &Exchange) {
    let report = pool.close(AWHILE).await;
    assert!(report.is_complete(), "{report}");
    exchange.assert_all_ended();
}

// ===== when it is recycled, and with what =====

#[tokio::test]
async fn a_used_session_is_recycled_when_it_comes_back() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    let mut lease = used(&pool).await;
    lease.speed = 110;
    assert_eq!(exchange.recycled(), 0);
    lease.release().await.unwrap();
    assert_eq!(exchange.recycled(), 1);

    drop(used(&pool).await);
    let again = pool.acquire().await.unwrap();
    assert_eq!(exchange.recycled(), 2, "a dropped one is recycled before it is lent");
    assert!(again.is_usual());
    assert_eq!((again.id(), exchange.book().created), (1, 1));
    drop(again);
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn a_session_nobody_used_is_not_recycled() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    for _ in 0..3 {
        let lease = pool.acquire().await.unwrap();
        assert_eq!(DeadpoolSession::metrics(&lease).recycle_count, 0);
        lease.release().await.unwrap();
    }
    assert_eq!(exchange.recycled(), 0);
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn use_by_shared_reference_counts() {
    let exchange = Exchange::default();
    let session = FromDeadpool::new(exchange.clone()).open().await.unwrap();
    assert_eq!(session.condition(), Condition::Clean);
    let _ = session.id();
    assert_eq!(session.condition(), Condition::Busy);
    Session::abort(session);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn metrics_are_true() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    let before = Instant::now();
    let mut last = None;
    for count in 0..4 {
        let lease = used(&pool).await;
        let metrics = *DeadpoolSession::metrics(&lease);
        assert_eq!(metrics.recycle_count, count);
        assert_eq!(metrics.recycled.is_some(), count > 0);
        assert!(metrics.recycled >= last, "no recycling is earlier than the last");
        last = metrics.recycled;
        lease.release().await.unwrap();

        let (id, given) = exchange.book().recycled[count];
        assert_eq!((id, given.recycle_count, given.recycled), (1, count, metrics.recycled));
        assert_eq!(given.created, metrics.created);
        assert!(before <= given.created && given.created <= Instant::now());
        assert!(given.recycled.is_none_or(|recycled| recycled >= given.created));
    }
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn a_check_recycles_and_counts_nothing() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let mut session = backend.open().await.unwrap();
    session.ask(1).await.unwrap();
    Session::release(&mut session).await.unwrap();
    let metrics = *DeadpoolSession::metrics(&session);

    backend.check(&mut session).await.unwrap();
    let after = *DeadpoolSession::metrics(&session);
    assert_eq!(exchange.recycled(), 2);
    assert_eq!((after.recycle_count, after.recycled), (1, metrics.recycled));
    assert_eq!(session.condition(), Condition::Clean);

    session.speed = 110;
    backend.check(&mut session).await.unwrap();
    assert_eq!(session.condition(), Condition::Busy, "a check is no release");
    Session::close(session).await.unwrap();
    exchange.assert_all_ended();
}

// ===== recycling that fails =====

#[tokio::test]
async fn a_recycle_error_ends_the_session() {
    for act in [Act::Fail, Act::Refuse, Act::Panic] {
        let exchange = Exchange::default();
        let pool = pool(&exchange);
        exchange.on_recycle(act);
        let answer = used(&pool).await.release().await;
        assert!(matches!(answer, Err(ReleaseError::Failed { .. })), "{act:?}: {answer:?}");

        let next = used(&pool).await;
        assert_eq!(next.id(), 2, "{act:?}");
        assert_eq!(exchange.book().detached, [1], "{act:?}");
        drop(next);
        close(&pool, &exchange).await;
    }
}

#[tokio::test]
async fn a_recycle_error_is_told_with_its_cause() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let mut session = backend.open().await.unwrap();
    exchange.on_recycle(Act::Fail);
    let error = Session::release(&mut session).await.unwrap_err();
    assert_eq!(error.to_string(), "the manager could not recycle the object");
    assert_eq!(error.source().unwrap().to_string(), "line dead");
    assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));

    let error = Session::release(&mut session).await.unwrap_err();
    assert!(matches!(error, DeadpoolError::Spent { fault: Fault::SessionLost, .. }), "{error:?}");
    let error = backend.check(&mut session).await.unwrap_err();
    assert!(matches!(error, DeadpoolError::Spent { .. }), "{error:?}");
    assert_eq!(exchange.recycled(), 1, "nothing is tried twice");
    Session::abort(session);

    let mut session = backend.open().await.unwrap();
    exchange.on_recycle(Act::Refuse);
    let error = backend.check(&mut session).await.unwrap_err();
    assert_eq!(error.to_string(), "the object was refused when it came back: line noisy");
    assert_eq!(Calls::classify(&error), Fault::SessionLost);
    assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
    Session::abort(session);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn a_recycle_error_is_never_less_than_a_lost_session() {
    for (said, found) in [
        (Fault::BackendLost, Fault::BackendLost),
        (Fault::SessionLost, Fault::SessionLost),
        (Fault::Transient, Fault::SessionLost),
        (Fault::Other, Fault::SessionLost),
    ] {
        let exchange = Exchange::default();
        let backend = FromDeadpool::new(exchange.clone());
        let backend = match said {
            Fault::BackendLost => backend.classify(|_| Fault::BackendLost),
            Fault::SessionLost => backend.classify(|_| Fault::SessionLost),
            Fault::Transient => backend.classify(|_| Fault::Transient),
            _ => backend,
        };
        exchange.on_recycle(Act::Fail);
        let mut session = backend.open().await.unwrap();
        let error = Session::release(&mut session).await.unwrap_err();
        assert_eq!(Calls::classify(&error), found);
        assert_eq!(session.condition(), Condition::Broken(found));
        Session::abort(session);
    }
}

#[tokio::test]
async fn a_recycling_dropped_half_way_ends_the_session() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    let lease = used(&pool).await;
    assert!(cut(lease.release(), 2).await.is_none());
    let next = used(&pool).await;
    assert_eq!(next.id(), 2);
    assert_eq!(exchange.recycled(), 1, "and is not recycled again");
    drop(next);
    close(&pool, &exchange).await;
}

#[tokio::test(start_paused = true)]
async fn a_recycling_that_hangs_ends_the_session() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    exchange.on_recycle(Act::Hang);
    drop(used(&pool).await);
    assert_eq!(used(&pool).await.id(), 2);
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn a_discarded_session_is_not_recycled() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    used(&pool).await.discard();
    assert_eq!(used(&pool).await.id(), 2);
    assert_eq!(exchange.book().detached, [1]);
    assert_eq!(exchange.book().recycled.iter().filter(|(id, _)| *id == 1).count(), 0);
    close(&pool, &exchange).await;
}

// ===== creating =====

#[tokio::test]
async fn an_unclassified_create_error_is_told_at_once() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    exchange.on_create(Act::Fail);
    let error = pool.acquire().await.unwrap_err();
    let AcquireError::Failed { fault: Fault::Other, cause, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause.to_string(), "the manager could not create an object");
    assert_eq!(cause.source().unwrap().to_string(), "line dead");
    let cause = cause.downcast_ref::<DeadpoolError<Trouble>>().unwrap();
    assert!(matches!(cause, DeadpoolError::Create { source: Trouble::Dead, .. }));
    close(&pool, &exchange).await;
    assert_eq!(exchange.detached(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_create_error_classified_as_transient_is_waited_out() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone()).classify(|error| match error {
        Trouble::Dead => Fault::Transient,
        Trouble::WrongAnswer => Fault::Other,
    });
    let pool = Pool::builder(backend).build().unwrap();
    exchange.on_create(Act::Fail);
    exchange.on_create(Act::Fail);
    assert_eq!(used(&pool).await.id(), 3);
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn a_create_that_panics_leaves_nothing() {
    let exchange = Exchange::default();
    let pool = pool(&exchange);
    exchange.on_create(Act::Panic);
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::Failed { fault: Fault::Other, .. }), "{error:?}");
    close(&pool, &exchange).await;
}

// ===== hooks =====

#[tokio::test]
async fn hooks_are_called_in_deadpools_order() {
    let exchange = Exchange::default();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let says = |what: &'static str| {
        let heard = Arc::clone(&heard);
        move |recycle_count: usize| heard.lock().unwrap().push((what, recycle_count))
    };
    let (created, also_created) = (says("created"), says("also created"));
    let (before, after) = (says("before"), says("after"));
    let recycled = exchange.clone();
    let backend = FromDeadpool::new(exchange.clone())
        .post_create(Hook::sync_fn(move |_, metrics| {
            created(metrics.recycle_count);
            Ok(())
        }))
        .post_create(Hook::async_fn(move |_, metrics| {
            let also_created = also_created.clone();
            Box::pin(async move {
                tokio::task::yield_now().await;
                also_created(metrics.recycle_count);
                Ok(())
            })
        }))
        .pre_recycle(Hook::sync_fn(move |_, metrics| {
            before(metrics.recycle_count + 10 * recycled.recycled());
            Ok(())
        }))
        .post_recycle(Hook::sync_fn({
            let exchange = exchange.clone();
            move |_, metrics| {
                after(metrics.recycle_count + 10 * exchange.recycled());
                Ok(())
            }
        }));
    let pool = Pool::builder(backend).max_size(1).build().unwrap();
    for _ in 0..2 {
        used(&pool).await.release().await.unwrap();
    }
    assert_eq!(
        *heard.lock().unwrap(),
        [
            ("created", 0),
            ("also created", 0),
            ("before", 0),
            ("after", 10),
            ("before", 11),
            ("after", 21)
        ]
    );
    close(&pool, &exchange).await;
}

#[tokio::test]
async fn what_a_hook_refuses_is_ended() {
    type AddHook = fn(FromDeadpool<Exchange>, Hook<Exchange>) -> FromDeadpool<Exchange>;
    type MakeError = fn() -> HookError<Trouble>;
    let failures: [(MakeError, &str); 2] = [
        (|| HookError::Backend(Trouble::Dead), "the manager could not recycle the object"),
        (|| HookError::message("no"), "the object was refused when it came back: no"),
    ];
    for add in [FromDeadpool::pre_recycle as AddHook, FromDeadpool::post_recycle] {
        for (failure, told) in failures {
            let exchange = Exchange::default();
            let backend = FromDeadpool::new(exchange.clone());
            let backend = add(backend, Hook::sync_fn(move |_, _| Err(failure())));
            let mut session = backend.open().await.unwrap();
            let error = Session::release(&mut session).await.unwrap_err();
            assert_eq!(error.to_string(), told);
            assert_eq!(session.condition(), Condition::Broken(Fault::SessionLost));
            Session::close(session).await.unwrap();
            exchange.assert_all_ended();
        }
    }
}

#[tokio::test]
async fn what_a_hook_refuses_is_not_opened() {
    let exchange = Exchange::default();
    let refuse = Hook::sync_fn(|_, _| Err(HookError::message("no")));
    let error = FromDeadpool::new(exchange.clone()).post_create(refuse).open().await.unwrap_err();
    assert_eq!(error.to_string(), "the object was refused when it was created: no");
    assert_eq!(Calls::classify(&error), Fault::Other);

    let fail = Hook::sync_fn(|_, _| Err(HookError::Backend(Trouble::Dead)));
    let backend = FromDeadpool::new(exchange.clone()).post_create(fail);
    let error = backend.classify(|_| Fault::Rejected).open().await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "line dead");
    assert_eq!(Calls::classify(&error), Fault::Rejected);
    assert_eq!(exchange.book().detached, [1, 2]);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn a_setter_changes_nothing_for_other_handles() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let strict = backend.clone().pre_recycle(Hook::sync_fn(|_, _| Err(HookError::message("no"))));
    let (mut plain, mut refused) = (backend.open().await.unwrap(), strict.open().await.unwrap());
    Session::release(&mut plain).await.unwrap();
    Session::release(&mut refused).await.unwrap_err();
    assert_eq!(backend.manager().live(), 2);
    drop((plain, refused));
    exchange.assert_all_ended();
}

// ===== ending =====

#[tokio::test]
async fn every_session_is_detached_once() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let open = async || backend.open().await.unwrap();
    Session::close(open().await).await.unwrap();
    Session::abort(open().await);
    drop(open().await);
    drop(Session::close(open().await));
    assert_eq!(exchange.book().detached, [1, 2, 3, 4]);
    exchange.assert_all_ended();
}

#[tokio::test]
async fn a_detach_or_a_drop_that_panics_is_not_let_through() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    exchange.book().detach_panics = true;
    let session = backend.open().await.unwrap();
    exchange.book().drop_panics = true;
    Session::abort(session);
    assert_eq!(exchange.book().detached, [1]);
    exchange.assert_all_ended();
}

#[test]
fn an_object_is_dropped_within_its_runtime() {
    let exchange = Exchange::default();
    let backend = FromDeadpool::new(exchange.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let [first, second] =
        runtime.block_on(async { [backend.open().await.unwrap(), backend.open().await.unwrap()] });
    drop(first);
    assert_eq!(exchange.book().homeless, 0);
    drop(runtime);
    drop(second);
    assert_eq!(exchange.book().homeless, 0, "gone as it is, it still takes the blame");
    exchange.assert_all_ended();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_in_a_crowd() {
    let exchange = Exchange::default();
    let pool = Pool::builder(FromDeadpool::new(exchange.clone())).max_size(3).build().unwrap();
    let tasks = (0..8).map(|task| {
        let (pool, exchange) = (pool.clone(), exchange.clone());
        tokio::spawn(async move {
            for round in 0..100 {
                if (task + round) % 7 == 0 {
                    exchange.on_recycle(Act::Fail);
                }
                let mut lease = pool.acquire().await.unwrap();
                assert!(lease.is_usual());
                lease.speed = 110;
                match round % 4 {
                    0 => assert_eq!(lease.ask(round).await.unwrap(), round),
                    1 => assert!(cut(lease.ask(round), 1).await.is_none()),
                    2 => lease.discard(),
                    _ => drop(lease.release().await),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    close(&pool, &exchange).await;
    let book = exchange.book();
    assert_eq!(book.detached.len() as u64, book.created);
}

#[tokio::test]
async fn a_manager_may_go_there_and_back() {
    let exchange = Exchange::default();
    let manager = IntoDeadpool::new(FromDeadpool::new(exchange.clone()));
    let pool: deadpool::managed::Pool<_> =
        deadpool::managed::Pool::builder(manager).max_size(1).build().unwrap();
    let mut call = pool.get().await.unwrap();
    assert_eq!(call.ask(7).await.unwrap(), 7);
    drop(call);
    drop(pool.get().await.unwrap());
    assert_eq!((exchange.recycled(), exchange.live()), (1, 1));
    pool.close();
    pool.manager().drained().await;
    exchange.assert_all_ended();
}
