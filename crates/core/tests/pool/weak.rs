use std::sync::OnceLock;

use super::*;
use sessionpool_core::event::Closed;
use sessionpool_core::{PoolEvents, WeakPool};

type Weak = WeakPool<ScriptedSession>;

#[tokio::test(start_paused = true)]
async fn a_weak_handle_does_not_keep_the_pool_open() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    let weak = pool.downgrade();
    let again = weak.clone().upgrade().unwrap();
    assert_eq!(again.acquire().await.unwrap().id(), 1); // the same pool
    drop(pool);
    quiet().await;
    assert!(!again.is_closed());
    assert!(weak.upgrade().is_some()); // one handle was left
    drop(again);
    assert!(weak.upgrade().is_none());
    backend.ended(1).await;
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn a_lease_does_not_keep_what_a_weak_handle_upgrades_to() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let weak = pool.downgrade();
    let lease = pool.acquire().await.unwrap();
    drop(pool);
    assert!(weak.upgrade().is_none());
    drop(lease);
    backend.ended(1).await;
    backend.assert_all_ended();
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_was_closed_and_not_dropped_is_there_and_says_so() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    let weak = pool.downgrade();
    end(&backend, &pool).await;
    assert!(weak.upgrade().unwrap().is_closed());
    assert!(Weak::new().upgrade().is_none());
    assert_eq!(
        format!("{weak:?} {:?}", Weak::default()),
        "WeakPool { is_gone: false } WeakPool { is_gone: true }"
    );
}

#[tokio::test(start_paused = true)]
async fn a_listener_and_a_hook_may_ask_their_pool_and_not_keep_it() {
    /// Asks the pool for its size whenever a session is gone.
    #[derive(Default)]
    struct Watch {
        pool: OnceLock<Weak>,
        sizes: std::sync::Mutex<Vec<Option<usize>>>,
    }
    impl PoolEvents for Watch {
        fn closed(&self, _: Option<&str>, _: &Closed) {
            let pool = self.pool.get().and_then(WeakPool::upgrade);
            self.sizes.lock().unwrap().push(pool.map(|pool| pool.status().max_size));
        }
    }
    let (backend, builder) = scripted(1);
    let watch = Arc::new(Watch::default());
    let known = Arc::clone(&watch);
    let pool = builder
        .events(watch.clone())
        .after_open(move |session| {
            assert!(known.pool.get().unwrap().upgrade().is_some());
            Box::pin(async move { session.write("hello").await })
        })
        .build()
        .unwrap();
    watch.pool.set(pool.downgrade()).unwrap();
    pool.acquire().await.unwrap().discard();
    quiet().await;
    drop(pool.acquire().await.unwrap());
    drop(pool);
    backend.ended(2).await;
    quiet().await;
    assert_eq!(*watch.sizes.lock().unwrap(), [Some(1), None]);
    backend.assert_all_ended();
}
