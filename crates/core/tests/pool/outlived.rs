use super::*;
use sessionpool_core::event::{Event, Outlived};
use sessionpool_testkit::Verb;
use tokio::time::Instant;

/// What listeners were told of idle limits.
fn outlived(backend: &Scripted) -> Vec<Outlived> {
    let events = told(backend).unwrap().events();
    let of_limits = events.into_iter().filter_map(|event| match event {
        Event::Outlived(outlived) => Some(outlived),
        _ => None,
    });
    of_limits.collect()
}

#[tokio::test(start_paused = true)]
async fn idle_sessions_end_before_the_remote_end_ends_them() {
    let (backend, builder) = scripted(2);
    backend.idle_limit(secs(60));
    let pool = builder.idle_timeout(secs(600)).build().unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    let start = Instant::now();
    backend.ended(2).await;
    assert!((ms(47_990)..ms(48_010)).contains(&start.elapsed()), "{:?}", start.elapsed());
    quiet().await;
    assert_eq!(pool.status().counters.closed.expired, 2);

    let [told] = outlived(&backend)[..] else { panic!("told of another number than one") };
    assert_eq!(told.limit, secs(60));
    assert_eq!((told.idle_timeout, told.keepalive_interval), (Some(secs(48)), None));
    assert_eq!(pool.settings().idle_timeout, Some(secs(48)));
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn those_that_stay_are_checked_before_the_remote_end_ends_them() {
    for idle_timeout in [Some(secs(20)), None] {
        let (backend, builder) = scripted(3);
        backend.idle_limit(secs(60));
        let builder = builder.min_idle(1).idle_timeout(idle_timeout).max_lifetime(None);
        let pool = builder.build().unwrap();
        drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
        tokio::time::sleep(secs(49)).await;
        assert_eq!((pool.status().idle, backend.book().calls(Verb::Check)), (1, 1));
        tokio::time::sleep(secs(48)).await;
        assert_eq!((pool.status().idle, backend.book().calls(Verb::Check)), (1, 2));
        let [told] = outlived(&backend)[..] else { panic!("told of another number than one") };
        // What was short enough stays as it was set.
        let changed = idle_timeout.is_none().then_some(secs(48));
        assert_eq!((told.idle_timeout, told.keepalive_interval), (changed, Some(secs(48))));
        assert_eq!(pool.settings().idle_timeout, changed.or(idle_timeout));
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_remote_end_by_itself_stays_as_it_was_set() {
    let settings: [fn(PoolBuilder<ScriptedSession>) -> PoolBuilder<ScriptedSession>; 3] = [
        |builder| builder.idle_timeout(secs(59)),
        |builder| builder.idle_timeout(None).max_lifetime(secs(59)),
        |builder| builder.idle_timeout(None).keepalive_interval(secs(59)),
    ];
    for set in settings {
        let (backend, builder) = scripted(1);
        backend.idle_limit(secs(60));
        let pool = set(builder).build().unwrap();
        drop(pool.acquire().await.unwrap());
        // A fifth earlier an old session may end.
        tokio::time::sleep(ms(47_100)).await;
        assert_eq!(pool.status().idle, 1);
        assert_eq!(outlived(&backend), []);
        end(&backend, &pool).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_limit_counts_from_then_on_and_a_longer_one_does_not() {
    let (backend, builder) = scripted(4);
    let pool = builder.build().unwrap();
    let mut leases = Vec::new();
    // 50 s are more than the pool goes by since it was told of 60.
    for limit in [60, 50, 30, 90] {
        backend.idle_limit(secs(limit));
        leases.push(pool.acquire().await.unwrap());
    }
    drop(leases);
    assert_eq!(
        outlived(&backend).iter().map(|it| it.limit).collect::<Vec<_>>(),
        [secs(60), secs(30)]
    );
    let start = Instant::now();
    backend.ended(4).await;
    assert!(start.elapsed() < ms(24_010), "{:?}", start.elapsed());
    end(&backend, &pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_idle_already_goes_by_the_limit_as_well() {
    let (backend, builder) = scripted(2);
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(secs(30)).await;
    backend.idle_limit(secs(60));
    assert_eq!(pool.warm_up(2).await, 2);
    let start = Instant::now();
    backend.ended(1).await;
    assert!(start.elapsed() < ms(18_010), "{:?}", start.elapsed());
    end(&backend, &pool).await;
}
