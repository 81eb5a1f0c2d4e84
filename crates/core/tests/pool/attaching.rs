use std::sync::Mutex;

use super::*;
use sessionpool_core::event::Lent;
use sessionpool_core::{AnyPool, PoolEvents, WeakAnyPool};

/// Has every pool's lending told to a listener of its own.
#[derive(Default)]
struct Agency {
    agents: Mutex<Vec<(Arc<Agent>, WeakAnyPool)>>,
    told_itself: Mutex<usize>,
}

#[derive(Default)]
struct Agent(Mutex<usize>);

impl PoolEvents for Agency {
    fn attach(&self, pool: Option<&str>, handle: &WeakAnyPool) -> Option<Arc<dyn PoolEvents>> {
        assert!(handle.upgrade().is_none(), "the pool is being built");
        let agent = Arc::new(Agent::default());
        self.agents.lock().unwrap().push((agent.clone(), handle.clone()));
        match pool {
            Some("panics") => panic!("no agent"),
            Some(_) => Some(agent),
            None => None,
        }
    }

    fn lent(&self, _: Option<&str>, _: &Lent) {
        *self.told_itself.lock().unwrap() += 1;
    }
}

impl PoolEvents for Agent {
    fn lent(&self, _: Option<&str>, _: &Lent) {
        *self.0.lock().unwrap() += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_has_another_told_in_its_stead_for_each_pool() {
    let agency = Arc::new(Agency::default());
    let build = |name: Option<&str>| {
        let builder = Pool::builder(Scripted::new()).events(agency.clone());
        let builder = match name {
            Some(name) => builder.name(name),
            None => builder,
        };
        builder.build().unwrap()
    };
    let pools = [build(Some("first")), build(Some("second")), build(Some("panics")), build(None)];
    for (times, pool) in pools.iter().enumerate() {
        for _ in 0..=times {
            drop(pool.acquire().await.unwrap());
        }
    }
    let agents = agency.agents.lock().unwrap();
    let told: Vec<usize> = agents.iter().map(|(agent, _)| *agent.0.lock().unwrap()).collect();
    assert_eq!(told, [1, 2, 0, 0]);
    // A listener that panics, or names nobody, is told itself.
    assert_eq!(*agency.told_itself.lock().unwrap(), 3 + 4);

    let (_, handle) = &agents[0];
    assert_eq!(handle.upgrade().as_ref().and_then(AnyPool::name), Some("first"));
    drop(pools);
    assert!(agents.iter().all(|(_, handle)| handle.upgrade().is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_weak_handle_keeps_no_pool_open_and_what_it_gives_does() {
    let (backend, builder) = scripted(1);
    let pool = builder.name("shop").build().unwrap();
    let weak = AnyPool::from(pool.clone()).downgrade();
    drop(pool.acquire().await.unwrap());
    let strong = weak.upgrade().unwrap();
    drop(pool);
    quiet().await;
    assert_eq!((strong.status().idle, strong.status().closed), (1, false));
    drop(strong);
    assert!(weak.upgrade().is_none(), "{weak:?}");
    quiet().await;
    backend.assert_all_ended();
}
