use super::untidy::Untidy;
use super::*;

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
