use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use sessionpool_core::{Extensions, Fault};
use sessionpool_testkit::{Act, Verb};

#[derive(Debug, Default, PartialEq, Eq)]
struct Uses(u32);

#[tokio::test(start_paused = true)]
async fn extensions_stay_with_their_session_whatever_way_it_goes() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    let mut both = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    for lease in &mut both {
        let id = Lease::id(lease);
        assert_eq!(Lease::extensions(lease).insert(id), None);
    }
    drop(both);
    for round in 0..4 {
        let waiting = [waiter(&pool).await, waiter(&pool).await];
        for waiter in waiting {
            let mut lease = waiter.await.unwrap().unwrap();
            let id = Lease::id(&lease);
            assert_eq!(Lease::extensions(&mut lease).get::<u64>(), Some(&id));
            match round {
                0 => lease.release().await.unwrap(), // clean
                1 => lease.set_dirty(),              // through the background's cleaning
                2 => {
                    lease.set_dirty();
                    lease.release().await.unwrap();
                }
                _ => drop(lease),
            }
        }
        tokio::time::sleep(secs(1)).await; // checked before the next round
    }
    assert_eq!(backend.book().opened, 2);
    end(&backend, &pool).await;
}

/// Counts how many there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn extensions_end_with_their_session() {
    let (backend, builder) = scripted(1);
    let pool = builder.build().unwrap();
    backend.always(Verb::Release, Act::fail(Fault::Other));
    let count = Arc::new(AtomicUsize::new(0));
    let ways_to_end: [fn(ScriptedLease); 3] = [
        |lease| lease.discard(),
        |mut lease| lease.lose(Fault::SessionLost),
        |mut lease| lease.set_dirty(), // and its cleaning fails
    ];
    for end in ways_to_end {
        let mut lease = pool.acquire().await.unwrap();
        assert!(Lease::extensions(&mut lease).insert(Counted::new(&count)).is_none());
        end(lease);
        quiet().await;
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert!(Lease::extensions(&mut pool.acquire().await.unwrap()).get::<Counted>().is_none());
    }
    let mut lease = pool.acquire().await.unwrap();
    Lease::extensions(&mut lease).insert(Counted::new(&count));
    let detached = lease.detach();
    assert_eq!(count.load(Ordering::Relaxed), 0);
    sessionpool_core::Session::close(detached).await.unwrap();
    end(&backend, &pool).await;
}

#[test]
fn extensions_have_one_value_of_each_type() {
    let mut extensions = Extensions::default();
    assert_eq!(extensions.insert(Uses(1)), None);
    assert_eq!(extensions.insert(Uses(2)), Some(Uses(1)));
    assert_eq!(extensions.insert("text"), None);
    extensions.get_mut::<Uses>().unwrap().0 += 1;
    assert_eq!(extensions.get_or_insert_with(Uses::default), &Uses(3));
    assert_eq!(extensions.remove::<Uses>(), Some(Uses(3)));
    assert_eq!(extensions.get_or_insert_with(Uses::default), &Uses(0));
    assert_eq!((extensions.get::<&str>(), extensions.get::<u8>()), (Some(&"text"), None));
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in the drop of an extension");
    }
}

#[test]
fn an_extension_that_panics_in_its_drop_costs_no_place() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    backend.always(Verb::Release, Act::hang());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let leased = runtime.block_on(async {
        let mut leases = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
        for lease in &mut leases {
            Lease::extensions(lease).insert(PanicsInDrop);
        }
        let [mut cleaned, leased] = leases;
        cleaned.set_dirty();
        drop(cleaned);
        quiet().await; // its cleaning hangs
        leased
    });
    drop(runtime);
    drop(leased);
    assert_eq!((pool.status().size(), backend.book().aborted), (0, 2));
}
