use super::*;
use sessionpool_core::{Fault, ReleaseError};
use sessionpool_testkit::{Act, Verb};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_clean_session_comes_back_without_a_round_trip() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.status().idle, 1); // at once: no task had to run
    pool.acquire().await.unwrap().release().await.unwrap();
    assert_eq!(backend.book().calls(Verb::Release), 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_dirty_session_is_cleaned_in_the_background_and_keeps_its_place() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.always(Verb::Release, Act::take(ms(50)));
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    let start = Instant::now();
    drop(lease);
    assert_eq!(pool.status().cleaning, 1);
    let lease = pool.acquire().await.unwrap();
    assert_eq!(start.elapsed(), ms(50));
    assert!(!lease.is_dirty());
    assert_eq!(backend.book().opened, 1);
    drop(lease);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_cleaned_is_closed() {
    for act in [Act::fail(Fault::Other), Act::hang(), Act::panic()] {
        let (backend, builder) = scripted(1);
        let pool = builder.release_timeout(secs(2)).build().unwrap();
        backend.next(Verb::Release, act);
        let mut lease = pool.acquire().await.unwrap();
        lease.set_dirty();
        let first = lease.id();
        drop(lease);
        let lease = pool.acquire().await.unwrap();
        assert_ne!(lease.id(), first);
        assert_eq!(pool.status().counters.closed.unclean, 1);
        assert_eq!(backend.book().calls(Verb::Close), 1);
        drop(lease);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_session_is_closed_and_replaced() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let mut lease = pool.acquire().await.unwrap();
    let first = lease.id();
    lease.lose(Fault::SessionLost);
    drop(lease);
    assert_ne!(pool.acquire().await.unwrap().id(), first);
    assert_eq!(pool.status().counters.closed.broken, 1);
    assert_eq!(backend.book().calls(Verb::Release), 0);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn release_tells_what_dropping_cannot() {
    let (backend, builder) = scripted(1);
    let pool = builder.release_timeout(secs(2)).build().unwrap();
    let dirty = async || {
        let mut lease = pool.acquire().await.unwrap();
        lease.set_dirty();
        lease
    };
    dirty().await.release().await.unwrap();
    assert_eq!(pool.status().idle, 1);

    backend.next(Verb::Release, Act::fail(Fault::Other));
    let error = dirty().await.release().await.unwrap_err();
    assert!(matches!(error, ReleaseError::Failed { .. }), "{error}");
    assert!(std::error::Error::source(&error).is_some());

    backend.next(Verb::Release, Act::hang());
    let error = dirty().await.release().await.unwrap_err();
    assert!(matches!(error, ReleaseError::TimedOut { .. }), "{error}");

    let mut lease = dirty().await;
    lease.lose(Fault::BackendLost);
    let error = lease.release().await.unwrap_err();
    assert!(matches!(error, ReleaseError::Broken { fault: Fault::BackendLost, .. }), "{error}");

    quiet().await;
    assert_eq!(backend.book().calls(Verb::Release), 3); // none was cleaned twice
    let closed = pool.status().counters.closed;
    assert_eq!((closed.unclean, closed.broken), (2, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_dropped_half_way_goes_on_in_the_background() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.next(Verb::Release, Act::take(secs(1)));
    let mut lease = pool.acquire().await.unwrap();
    lease.set_dirty();
    assert!(tokio::time::timeout(ms(10), lease.release()).await.is_err());
    drop(pool.acquire().await.unwrap());
    assert_eq!((backend.book().calls(Verb::Release), backend.book().opened), (2, 1));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_dropped_by_a_panic_is_cleaned_whatever_it_says() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _lease = pool.acquire().await.unwrap();
            panic!("while leased");
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    drop(pool.acquire().await.unwrap());
    assert_eq!(backend.book().calls(Verb::Release), 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_close_that_hangs_or_fails_frees_its_place() {
    for act in [Act::hang(), Act::fail(Fault::Other), Act::panic()] {
        let (backend, builder) = scripted(1);
        let pool = builder.close_timeout(secs(2)).build().unwrap();
        backend.next(Verb::Close, act);
        let mut lease = pool.acquire().await.unwrap();
        lease.lose(Fault::SessionLost);
        drop(lease);
        drop(pool.acquire().await.unwrap());
        assert_eq!(pool.status().counters.close_failed, 1);
        end(&backend, &pool).await;
    }
}
