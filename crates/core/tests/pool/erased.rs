use std::collections::BTreeMap;
use std::error::Error;

use super::*;
use sessionpool_core::{AnyError, AnyPool, AnySession, Backend, Erase, Fault, Pause, Session};
use sessionpool_testkit::{Act, ScriptedError, Verb};

#[tokio::test(start_paused = true)]
async fn an_erased_session_is_known_by_its_type_and_no_other() {
    let (backend, _) = scripted(1);
    let erased = Erase::new(backend.clone());
    let mut session = erased.open().await.unwrap();
    assert!(session.downcast_ref::<ScriptedSession>().is_some());
    session.downcast_mut::<ScriptedSession>().unwrap().write("a row").await.unwrap();
    assert!(session.downcast_mut::<AnySession>().is_none());
    let session = session.downcast::<AnySession>().unwrap_err();
    let session = session.downcast::<ScriptedSession>().unwrap();
    Session::close(session).await.unwrap();
    assert_eq!(erased.backend().book().calls(Verb::Write), 1);
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn an_erased_error_says_what_it_is_and_what_it_means() {
    let (backend, _) = scripted(1);
    backend.next(Verb::Open, Act::fail(Fault::Rejected));
    let error = Erase::new(backend.clone()).open().await.unwrap_err();
    assert_eq!(error.to_string(), "scripted open failed: rejected by the remote end");
    assert_eq!(AnySession::classify(&error), Fault::Rejected);
    assert!(error.downcast_ref::<ScriptedError>().is_some());
    assert!(error.source().is_none());

    // Through a pool, too.
    let pool = Pool::builder(Erase::new(backend.clone())).build().unwrap();
    backend.next(Verb::Open, Act::fail(Fault::Rejected));
    let AcquireError::Failed { fault, cause, .. } = pool.acquire().await.unwrap_err() else {
        panic!("it was rejected")
    };
    assert_eq!(fault, Fault::Rejected);
    assert!(cause.downcast_ref::<AnyError>().is_some());
    pool.close(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_erased_close_that_is_never_polled_ends_the_session() {
    let (backend, _) = scripted(1);
    let session = Erase::new(backend.clone()).open().await.unwrap();
    drop(Session::close(session));
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn a_session_of_another_backend_is_not_taken_for_one_of_ours() {
    let (backend, _) = scripted(1);
    let ours = Erase::new(backend.clone());
    let mut foreign = AnySession::new(ours.open().await.unwrap());
    let error = ours.check(&mut foreign).await.unwrap_err();
    assert_eq!(error.to_string(), "the session to check is none of this backend's");
    assert_eq!(backend.book().calls(Verb::Check), 0);
    Session::close(foreign).await.unwrap();
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn unlike_pools_are_managed_in_one_map() {
    let (backend, builder) = scripted(2);
    let known = builder.name("known").limit("report", 1).build().unwrap();
    let unlike = Pool::builder(Erase::new(Scripted::new())).name("erased").build().unwrap();
    let pools: BTreeMap<String, AnyPool> =
        [AnyPool::from(known.clone()), AnyPool::from(unlike.clone())]
            .into_iter()
            .map(|pool| (pool.name().unwrap().to_owned(), pool))
            .collect();
    assert_eq!(pools.keys().collect::<Vec<_>>(), ["erased", "known"]);

    for pool in pools.values() {
        assert_eq!(pool.warm_up(1).await, 1);
        assert_eq!(pool.status().idle, 1);
        pool.resize(1).unwrap();
        assert_eq!(pool.settings().max_size, 1);
        assert!(pool.last_failure().is_none());
        assert_eq!(pool.resize(0).unwrap_err().setting, "max_size");
        pool.pause(Pause::Fail);
    }
    assert!(matches!(known.acquire().await, Err(AcquireError::Paused)));
    assert!(matches!(unlike.acquire().await, Err(AcquireError::Paused)));
    pools.values().for_each(AnyPool::resume);
    let lease = known.acquire_with(AcquireOptions::new().class("report")).await.unwrap();
    assert_eq!(pools["known"].holders().len(), 1);
    assert_eq!(pools["known"].classes()[0].leased, 1);
    drop(lease);
    pools.values().for_each(AnyPool::flush);
    quiet().await;
    for pool in pools.values() {
        assert_eq!((pool.status().generation, pool.status().counters.closed.stale), (1, 1));
        assert!(pool.close(secs(1)).await.is_complete());
    }
    assert!(known.is_closed() && unlike.is_closed());
    end(&backend, &known).await;
}
