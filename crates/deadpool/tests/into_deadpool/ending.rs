use super::*;

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
