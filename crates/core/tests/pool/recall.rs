//! What a backend may ask of the pools that lend its sessions.

use std::sync::{Arc, Mutex};

use super::*;
use sessionpool_core::{Backend, Bounds, Fault, Recall};
use sessionpool_testkit::{Act, ScriptedError, Verb};
use tokio::time::Instant;

/// A scripted backend that knows its bounds and keeps the line to its pool.
struct Knowing {
    scripted: Scripted,
    bounds: Bounds,
    line: Arc<Mutex<Option<Recall>>>,
}

impl Backend for Knowing {
    type Session = ScriptedSession;

    async fn open(&self) -> Result<ScriptedSession, ScriptedError> {
        self.scripted.open().await
    }

    async fn check(&self, session: &mut ScriptedSession) -> Result<(), ScriptedError> {
        self.scripted.check(session).await
    }

    fn bounds(&self) -> Bounds {
        self.bounds.clone()
    }

    fn attach(&self, recall: Recall) {
        *self.line.lock().unwrap() = Some(recall);
    }
}

fn knowing(bounds: Bounds) -> (Scripted, Arc<Mutex<Option<Recall>>>, PoolBuilder<ScriptedSession>) {
    let (scripted, line) = (Scripted::new(), Arc::default());
    let backend = Knowing { scripted: scripted.clone(), bounds, line: Arc::clone(&line) };
    (scripted, line, Pool::builder(backend))
}

fn line(line: &Mutex<Option<Recall>>) -> Recall {
    line.lock().unwrap().clone().unwrap()
}

#[tokio::test]
async fn a_backend_bounds_the_pools_size_and_says_why() {
    let bounds = || Bounds::none().most_sessions(2, "there are two chairs");
    let (_, _, builder) = knowing(bounds());
    let pool = builder.build().unwrap();
    assert_eq!(pool.status().max_size, 2);
    let text = "max_size is 3, but at most 2 is possible: there are two chairs";
    assert_eq!(pool.resize(3).unwrap_err().to_string(), text);
    assert_eq!(knowing(bounds()).2.max_size(3).build().unwrap_err().to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_backends_suggestions_are_defaults() {
    let bounds = || Bounds::none().idle_timeout(secs(3)).max_uses(1);
    let (backend, _, builder) = knowing(bounds());
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    quiet().await;
    assert_eq!(pool.status().counters.closed.worn, 1);
    end(&backend, &pool).await;

    let (backend, _, builder) = knowing(bounds());
    let pool = builder.max_uses(None).build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(4)).await;
    assert_eq!(pool.status().counters.closed.expired, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_are_recalled_and_leased_ones_are_not() {
    let (backend, recall, builder) = knowing(Bounds::none());
    let pool = builder.build().unwrap();
    let leased = pool.acquire().await.unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    assert_eq!(line(&recall).idle(1), 1);
    assert_eq!(line(&recall).idle(5), 1);
    assert_eq!(line(&recall).idle(5), 0);
    quiet().await;
    assert_eq!((pool.status().leased, pool.status().size()), (1, 1));
    assert_eq!(pool.status().counters.closed.recalled, 2);
    line(&recall).all();
    drop(leased);
    quiet().await;
    assert_eq!(pool.status().counters.closed.stale, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_held_back_for_want_of_room_starts_when_there_is_room() {
    let (backend, recall, builder) = knowing(Bounds::none());
    let pool = builder.build().unwrap();
    let busy = Fault::Busy { retry_after: Some(secs(20)) };
    backend.next(Verb::Open, Act::fail(busy));
    let start = Instant::now();
    let waiting = waiter(&pool).await;
    tokio::time::sleep(secs(2)).await;
    line(&recall).open_again();
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(start.elapsed(), secs(2));
    end(&backend, &pool).await;
}

#[tokio::test]
async fn a_line_does_not_keep_its_pool() {
    let (_, recall, builder) = knowing(Bounds::none());
    let pool = builder.build().unwrap();
    assert!(!line(&recall).is_gone());
    drop(pool);
    assert!(line(&recall).is_gone());
    assert_eq!(line(&recall).idle(1), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_recalled_is_not_opened_again_before_somebody_asks() {
    let (backend, recall, builder) = knowing(Bounds::none());
    let pool = builder.max_size(1).min_idle(1).build().unwrap();
    quiet().await;
    assert_eq!(line(&recall).idle(1), 1);
    line(&recall).open_again();
    tokio::time::sleep(secs(60)).await;
    assert_eq!((backend.book().opened, pool.status().size()), (1, 0));
    drop(pool.acquire().await.unwrap());
    quiet().await;
    assert_eq!(pool.status().idle, 1);
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_session_that_waits_for_its_successor_is_recalled_first() {
    let (backend, recall, builder) = knowing(Bounds::none());
    let (pool, other, waiting) = lifetime::one_waits(&backend, builder).await;
    assert_eq!(line(&recall).idle(5), 1); // though somebody waits: not for that one
    quiet().await;
    let status = pool.status();
    assert_eq!((backend.book().closed, status.size(), status.counters.closed.worn), (1, 2, 1));
    drop((other, waiting.await.unwrap().unwrap()));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn room_does_not_end_the_back_off_of_another_opening() {
    let busy = Fault::Busy { retry_after: Some(secs(20)) };
    for (fault, room_at) in [(busy, 1_000), (busy, 2_200), (Fault::Transient, 1_000)] {
        let (backend, recall, builder) = knowing(Bounds::none());
        let pool = builder.build().unwrap();
        backend.next(Verb::Open, Act::take(ms(2_100)).then_fail(fault));
        backend.next(Verb::Open, Act::take(ms(2_000)).then_fail(Fault::Rejected));
        let both = [waiter(&pool).await, waiter(&pool).await];
        let line = line(&recall);
        tokio::spawn(async move {
            tokio::time::sleep(ms(room_at)).await;
            line.open_again();
        });
        tokio::time::sleep(ms(2_050)).await;
        for told in both {
            assert!(told.await.unwrap().is_err());
        }
        let next = waiter(&pool).await; // while the first opening is under way
        tokio::time::sleep(ms(400)).await;
        // A rejection holds the next login back for half a second at least.
        assert_eq!(backend.book().calls(Verb::Open), 2, "{fault:?}, room at {room_at} ms");
        next.abort();
        end(&backend, &pool).await;
    }
}
