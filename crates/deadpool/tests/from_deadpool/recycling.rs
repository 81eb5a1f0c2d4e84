//! When a session is recycled, with what, and what becomes of one that cannot be.

use super::*;

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
