//! Callers who want sessions open before they need them.

use std::future;

use loom::future::block_on;
use loom::thread;

use super::{Scene, Token, join, one, prove, run, sit, two};
use crate::pool::draft::Draft;
use crate::pool::places::Tally;
use crate::pool::shared::Shared;
use crate::pool::watchers::WatcherId;
use crate::sync::Arc;

/// Waits as [`Pool::warm_up`](crate::Pool::warm_up) does, without its time limit.
fn wait_for_all(shared: &Shared<Token>, id: WatcherId) {
    let mut before = 0;
    while let Some(opened) =
        block_on(future::poll_fn(|cx| shared.another_opened(id, before, cx.waker())))
    {
        before = opened;
    }
    shared.want_open_no_more(id);
}

/// A pool that somebody wants to have that many sessions open.
fn wanted(draft: Draft, sessions: usize) -> (Scene, WatcherId) {
    let (scene, id) = (Scene::new(draft), WatcherId::new());
    scene.shared.want_open(id, sessions);
    (scene, id)
}

#[test]
fn a_warm_up_misses_no_opening() {
    prove(|| {
        let (scene, id) = wanted(one(), 1);
        let errand = scene.errand();
        let shared = Arc::clone(&scene.shared);
        let opening = thread::spawn(move || run(&shared, errand));
        wait_for_all(&scene.shared, id);
        assert_eq!(scene.tally(), (Tally::default(), 1));
        join(opening);
        scene.finish();
    });
}

#[test]
fn a_warm_up_ends_with_the_pool() {
    prove(|| {
        let (Scene { pool, shared, remote }, id) = wanted(two(), 2);
        let warming = thread::spawn({
            let shared = Arc::clone(&shared);
            move || wait_for_all(&shared, id)
        });
        let closing = thread::spawn(move || drop(pool));
        sit(&shared);
        join(warming);
        join(closing);
        remote.check();
    });
}
